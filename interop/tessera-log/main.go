// A Tessera POSIX log that asks witnesses for cosignatures: adds entries one after another, and prints each checkpoint that
// was published with the witnesses that its policy demands.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	storage := flag.String("storage_dir", "", "folder of the log")
	key := flag.String("private_key", "", "file with the log's note signing key")
	policy := flag.String("policy", "", "C2SP tlog-policy file with the witnesses")
	first := flag.Int("first", 0, "number of the first entry")
	entries := flag.Int("entries", 3, "how many to add")
	flag.Parse()
	if err := run(context.Background(), *storage, *key, *policy, *first, *entries); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, storage, keyFile, policyFile string, first, entries int) error {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(string(key))
	if err != nil {
		return err
	}
	policy, err := os.ReadFile(policyFile)
	if err != nil {
		return err
	}
	witnesses, err := tessera.NewWitnessGroupFromPolicy(policy)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: storage})
	if err != nil {
		return err
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(200*time.Millisecond).
		WithBatching(1, 100*time.Millisecond).
		WithWitnesses(witnesses, &tessera.WitnessOptions{FailOpen: false}))
	if err != nil {
		return err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 50*time.Millisecond)
	for i := first; i < first+entries; i++ {
		waiting, cancel := context.WithTimeout(ctx, 30*time.Second)
		_, checkpoint, err := awaiter.Await(waiting, appender.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "entry %d", i))))
		cancel()
		if err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		fmt.Printf("%s\x00", checkpoint)
	}
	return shutdown(ctx)
}
