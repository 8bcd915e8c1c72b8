package bench

import "time"

// usage is what processes have used of the machine since they began.
type usage struct {
	cpu    time.Duration // of this process, user and system
	server time.Duration // of the database server's processes, where they can be seen
}

func (u usage) since(before usage) usage { return usage{u.cpu - before.cpu, u.server - before.server} }
