package main

import (
	"flag"
	"fmt"
	"os"
)

var version string

func main() {
	greet := flag.String("greet", "", "whom to greet")
	flag.Parse()
	fmt.Printf("hello %s, version %s, user %d\n", *greet, version, os.Getuid())
}
