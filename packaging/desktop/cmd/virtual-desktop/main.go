package main

import (
	"context"
	"fmt"
	"os"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

func main() {
	d, err := desktop.Start(context.Background(), desktop.Options{})
	if err != nil { fmt.Println(err); os.Exit(1) }
	defer d.Close()
	c := d.Command(context.Background(), os.Args[1], os.Args[2:]...)
	c.Stdin = os.Stdin; c.Stdout = os.Stdout; c.Stderr = os.Stderr
	fmt.Println(c.Run())
}
