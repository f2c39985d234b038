package telemetry

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func scrape(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(reg).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("scrape: status %d, %v: %s", w.Code, err, body)
	}
	return string(body)
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	m.Count(Received, "shop-orders", "", 5)
	m.Count(Delivered, "shop-orders", "erp.orders", 3)
	m.Count(Retried, "shop-orders", "erp.orders", 2)
	m.Count(Duplicate, "shop-orders", "erp.orders", 1)
	m.Count(Dead, "shop-orders", "erp.orders", 1)
	m.Count(Parked, "shop-orders", "erp.orders", 1)
	m.Count(Filtered, "shop-orders", "erp.orders", 1)
	m.Count(Filtered, "shop-orders", "erp.orders", -1)
	m.Effect("shop-orders", "erp.orders", time.Unix(1_700_000_000, 500_000_000))
	m.ObserveDelivery("shop-orders", "erp.orders", 30*time.Millisecond)
	m.PluginRestarted("soap")
	m.ObserveSync(900*time.Microsecond, 17)
	m.WatchLanes(func() []Lane {
		return []Lane{{Route: "shop-orders", Target: "erp.orders", Lag: 7, Parked: 2, Circuit: CircuitOpen, OldestParked: time.Now().Add(-time.Hour)}}
	})
	got := scrape(t, reg)
	for _, want := range []string{
		`crossdock_messages_received_total{route="shop-orders",target=""} 5`,
		`crossdock_messages_delivered_total{route="shop-orders",target="erp.orders"} 3`,
		`crossdock_messages_retried_total{route="shop-orders",target="erp.orders"} 2`,
		`crossdock_messages_duplicates_total{route="shop-orders",target="erp.orders"} 1`,
		`crossdock_messages_dead_total{route="shop-orders",target="erp.orders"} 1`,
		`crossdock_messages_parked_total{route="shop-orders",target="erp.orders"} 1`,
		`crossdock_messages_filtered_total{route="shop-orders",target="erp.orders"} 1`,
		`crossdock_last_effect_timestamp_seconds{route="shop-orders",target="erp.orders"} 1.7000000005e+09`,
		`crossdock_delivery_seconds_bucket{route="shop-orders",target="erp.orders",le="0.05"} 1`,
		`crossdock_plugin_restarts_total{plugin="soap"} 1`,
		`crossdock_publish_sync_seconds_count 1`,
		`crossdock_publish_sync_calls_sum 17`,
		`crossdock_lane_lag{route="shop-orders",target="erp.orders"} 7`,
		`crossdock_lane_parked{route="shop-orders",target="erp.orders"} 2`,
		`crossdock_oldest_parked_age_seconds{route="shop-orders",target="erp.orders"} 3600.`,
		`crossdock_circuit_state{route="shop-orders",target="erp.orders"} 2`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("metrics lack %s\n%s", want, got)
		}
	}
	m.WatchLanes(nil)
	if got := scrape(t, reg); strings.Contains(got, "crossdock_lane_lag{") {
		t.Error("lane metrics after the watch ended")
	}
	if _, err := NewMetrics(reg); err == nil {
		t.Error("registering twice gave no error")
	}
}

func TestNilMetricsCountNothing(*testing.T) {
	var m *Metrics
	m.Count(Received, "r", "", 1)
	m.Effect("r", "t", time.Now())
	m.ObserveDelivery("r", "t", time.Second)
	m.PluginRestarted("p")
	m.ObserveSync(time.Second, 1)
	m.WatchLanes(nil)
}
