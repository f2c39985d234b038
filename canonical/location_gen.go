// Code generated from v1/location.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Location is a place that holds, sells or receives stock.
type Location struct {
	// Name and version of the schema, such as location/1.0. The minor version only
	// ever adds.
	Schema string `json:"schema"`
	// Canonical id of the location: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the location, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the location.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the location no longer exists; the document is then its tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// marketplace-fc is a fulfilment centre of a marketplace; in-transit and
	// virtual hold stock that is nowhere in particular.
	Kind LocationKind `json:"kind"`
	// Name of the place.
	Name string `json:"name,omitzero"`
	// Where it is.
	Address *Address `json:"address,omitzero"`
	// Clock of the place: store hours and location-local promotions follow it.
	TimeZone TimeZone `json:"timeZone"`
	// paused takes no new work, closed is gone.
	Status LocationStatus `json:"status"`
	// What the place does.
	Fulfils []FulfilmentCapability `json:"fulfils,omitzero"`
	// Channels that it serves.
	Channels []Channel `json:"channels,omitzero"`
	// Groups used by allocation and promotions.
	Groups []string `json:"groups,omitzero"`
	// How much it can pick.
	Capacity *Capacity `json:"capacity,omitzero"`
	// Where it can send stock.
	Transfers []TransferLane `json:"transfers,omitzero"`
	// Lower is preferred when stock is sourced.
	Priority *int64 `json:"priority,omitzero"`
	// Name of the calendar of working days.
	Calendar string `json:"calendar,omitzero"`
	// Fields of partners or sites that the location does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// LocationKind is one of the constants below. marketplace-fc is a fulfilment
// centre of a marketplace; in-transit and virtual hold stock that is nowhere in
// particular.
type LocationKind string

// The values of LocationKind.
const (
	LocationKindWarehouse     LocationKind = "warehouse"
	LocationKindStore         LocationKind = "store"
	LocationKindSupplier      LocationKind = "supplier"
	LocationKindMarketplaceFc LocationKind = "marketplace-fc"
	LocationKindInTransit     LocationKind = "in-transit"
	LocationKindVirtual       LocationKind = "virtual"
	LocationKindReturnCentre  LocationKind = "return-centre"
)

// LocationStatus is one of the constants below. paused takes no new work,
// closed is gone.
type LocationStatus string

// The values of LocationStatus.
const (
	LocationStatusOpen   LocationStatus = "open"
	LocationStatusPaused LocationStatus = "paused"
	LocationStatusClosed LocationStatus = "closed"
)

// FulfilmentCapability is one of the constants below. One thing it does.
type FulfilmentCapability string

// The values of FulfilmentCapability.
const (
	FulfilmentCapabilityShip        FulfilmentCapability = "ship"
	FulfilmentCapabilityPickup      FulfilmentCapability = "pickup"
	FulfilmentCapabilityTransfer    FulfilmentCapability = "transfer"
	FulfilmentCapabilityMarketplace FulfilmentCapability = "marketplace"
)

// Capacity says how much it can pick.
type Capacity struct {
	// Most it can handle in a day.
	PerDay int64 `json:"perDay"`
	// Handled so far today.
	Used *int64 `json:"used,omitzero"`
	// When used was counted.
	AsOf time.Time `json:"asOf,omitzero"`
	// Local time, HH:MM, after which work counts for tomorrow.
	Cutoff string `json:"cutoff,omitzero"`
	// What is counted.
	Unit CapacityUnit `json:"unit"`
}

// TransferLane is one other place it can send to.
type TransferLane struct {
	// The other location.
	To CanonicalID `json:"to"`
	// Hours until stock is available there.
	LeadTimeHours Decimal `json:"leadTimeHours"`
	// Cost of one transfer.
	Cost *Money `json:"cost,omitzero"`
}

// CapacityUnit is one of the constants below. What is counted.
type CapacityUnit string

// The values of CapacityUnit.
const (
	CapacityUnitOrders CapacityUnit = "orders"
	CapacityUnitLines  CapacityUnit = "lines"
	CapacityUnitUnits  CapacityUnit = "units"
)
