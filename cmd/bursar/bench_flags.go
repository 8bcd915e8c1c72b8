package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar/internal/bench"
)

// listFlag is a flag whose value is a list with commas.
type listFlag[T comparable] struct {
	values []T
	parse  func(string) ([]T, error)
	typed  string // what the value is called in help
}

func (l *listFlag[T]) String() string {
	texts := make([]string, len(l.values))
	for i, v := range l.values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ",")
}

func (l *listFlag[T]) Type() string { return l.typed }

// Set takes the whole list. What stands in it twice counts once.
func (l *listFlag[T]) Set(s string) error {
	var values []T
	for word := range strings.SplitSeq(s, ",") {
		some, err := l.parse(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		for _, v := range some {
			if !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	l.values = values
	return nil
}

// strategiesAll stands for every strategy that differs from the others.
const strategiesAll = "all"

func parseStrategy(word string) ([]string, error) {
	names := bench.Names()
	switch {
	case word == strategiesAll:
		return slices.DeleteFunc(names, func(name string) bool { return name == bench.SubjectIn || name == "none" }), nil
	case !slices.Contains(names, word):
		return nil, fmt.Errorf("the strategies are %s and all", strings.Join(names, ", "))
	}
	return []string{word}, nil
}

func parseCount(word string) ([]int, error) {
	n, err := strconv.Atoi(word)
	if err != nil {
		return nil, errors.New("it is not a list of whole numbers such as 1,64,1024")
	}
	return []int{n}, nil
}
