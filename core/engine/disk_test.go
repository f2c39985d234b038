package engine

import (
	"regexp"
	"strings"
	"testing"
)

// A start that finds too little room says so in the words of the person who has to make some: which disk, how much is
// free, how much is needed, what else helps.
func TestOpenOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir, MaxBytes: 8 << 20})
	publish(t, e, "received.shop.orders", sized("1", 3<<20))
	closeEngine(t, e)
	_, err := Open(t.Context(), Options{Dir: dir, MaxBytes: 1 << 50})
	if err == nil {
		t.Fatal("two streams of a PiB found room")
	}
	// 2 PiB and the third that stays free.
	want := regexp.MustCompile(`the disk of ` + regexp.QuoteMeta(dir) +
		` is too full for the message store: [0-9.]+ [TGM]iB are free, 2730\.7 TiB are needed \(room for 2 streams of engine\.maxBytes, 1024\.0 TiB, with a quarter to spare; 3\.1 MiB are in them already\): free 2[0-9.]+ TiB, or lower engine\.maxBytes`)
	if !want.MatchString(err.Error()) {
		t.Errorf("error %q", err)
	}
	again := open(t, Options{Dir: dir, MaxBytes: 8 << 20})
	if _, err := again.PublishBatch(t.Context(), "received.shop.orders", newMessage("2", "")); err != nil {
		t.Error(err)
	}
}

func TestClusterWithoutStorage(t *testing.T) {
	_, err := Open(t.Context(), Options{URLs: []string{broker(t)}, Replicas: 1, Durability: Relaxed, MaxBytes: 1 << 50})
	if err == nil || !strings.Contains(err.Error(), "max_file_store") || !strings.Contains(err.Error(), "1024.0 TiB") {
		t.Errorf("error %v", err)
	}
}
