package pgxatomic

// Discard closes connections in doubt.
var Discard = discard
