//go:build !unix

package audit_test

func helper() bool { return false }
