// Code generated from v1/inventory.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Inventory is the stock position of one product at one location, or one
// movement of it.
type Inventory struct {
	// Name and version of the schema, such as inventory/1.0. The minor version
	// only ever adds.
	Schema string `json:"schema"`
	// Canonical id of the inventory: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the inventory, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the inventory.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the inventory no longer exists; the document is then its
	// tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// snapshot replaces what was known; delta adds to it.
	Kind InventoryKind `json:"kind"`
	// physical is counted stock, from which reservations are subtracted here.
	// sellable already had the sender's reservations subtracted and must not be
	// reduced twice.
	Basis InventoryBasis `json:"basis"`
	// The product.
	Product ProductReference `json:"product"`
	// The location that holds it.
	Location CanonicalID `json:"location"`
	// Batch or lot number.
	Lot string `json:"lot,omitzero"`
	// Serial numbers of the pieces concerned.
	Serials []string `json:"serials,omitzero"`
	// Use-by or best-before date of the lot.
	ExpiresOn Date `json:"expiresOn,omitzero"`
	// Whose stock it is.
	Ownership InventoryOwnership `json:"ownership,omitzero"`
	// Unit of every quantity.
	UOM UnitOfMeasure `json:"uom"`
	// Stock by state; in a delta, the change of it.
	Quantities StockQuantities `json:"quantities"`
	// When the position was true, by the clock of whoever counted.
	AsOf time.Time `json:"asOf"`
	// After this time the position is stale.
	ValidUntil time.Time `json:"validUntil,omitzero"`
	// Why stock moved.
	Reason InventoryReason `json:"reason,omitzero"`
	// The document that moved it.
	Reference *InventoryReference `json:"reference,omitzero"`
	// Receipts expected.
	Incoming []IncomingReceipt `json:"incoming,omitzero"`
	// Fields of partners or sites that the inventory does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// InventoryKind is one of the constants below. snapshot replaces what was
// known; delta adds to it.
type InventoryKind string

// The values of InventoryKind.
const (
	InventoryKindSnapshot InventoryKind = "snapshot"
	InventoryKindDelta    InventoryKind = "delta"
)

// InventoryBasis is one of the constants below. physical is counted stock, from
// which reservations are subtracted here. sellable already had the sender's
// reservations subtracted and must not be reduced twice.
type InventoryBasis string

// The values of InventoryBasis.
const (
	InventoryBasisPhysical InventoryBasis = "physical"
	InventoryBasisSellable InventoryBasis = "sellable"
)

// InventoryOwnership is one of the constants below. Whose stock it is.
type InventoryOwnership string

// The values of InventoryOwnership.
const (
	InventoryOwnershipOwn         InventoryOwnership = "own"
	InventoryOwnershipConsignment InventoryOwnership = "consignment"
	InventoryOwnershipVendor      InventoryOwnership = "vendor"
)

// StockQuantities holds stock by state; in a delta, the change of it.
type StockQuantities struct {
	// Physically there.
	OnHand Quantity `json:"onHand,omitzero"`
	// Free to sell according to the sender.
	Available Quantity `json:"available,omitzero"`
	// Held for orders or carts.
	Reserved Quantity `json:"reserved,omitzero"`
	// Assigned to orders at this location.
	Allocated Quantity `json:"allocated,omitzero"`
	// On order from suppliers.
	Incoming Quantity `json:"incoming,omitzero"`
	// Between our locations.
	InTransit Quantity `json:"inTransit,omitzero"`
	// Kept back.
	SafetyStock Quantity `json:"safetyStock,omitzero"`
	// There but not sellable.
	Damaged Quantity `json:"damaged,omitzero"`
	// Waits for inspection.
	QualityHold Quantity `json:"qualityHold,omitzero"`
	// Not sellable for any other reason.
	Unavailable Quantity `json:"unavailable,omitzero"`
}

// InventoryReason is one of the constants below. Why stock moved.
type InventoryReason string

// The values of InventoryReason.
const (
	InventoryReasonCount       InventoryReason = "count"
	InventoryReasonReceipt     InventoryReason = "receipt"
	InventoryReasonSale        InventoryReason = "sale"
	InventoryReasonReturn      InventoryReason = "return"
	InventoryReasonAdjustment  InventoryReason = "adjustment"
	InventoryReasonTransferOut InventoryReason = "transfer-out"
	InventoryReasonTransferIn  InventoryReason = "transfer-in"
	InventoryReasonDamage      InventoryReason = "damage"
	InventoryReasonReservation InventoryReason = "reservation"
	InventoryReasonRelease     InventoryReason = "release"
	InventoryReasonFeed        InventoryReason = "feed"
)

// InventoryReference is the document that moved it.
type InventoryReference struct {
	// What kind of document.
	Type InventoryReferenceType `json:"type"`
	// Canonical id of the document.
	ID CanonicalID `json:"id"`
	// Line of the document.
	LineID string `json:"lineId,omitzero"`
}

// IncomingReceipt is one receipt expected.
type IncomingReceipt struct {
	// Quantity expected.
	Quantity Quantity `json:"quantity"`
	// When it is expected.
	ExpectedAt time.Time `json:"expectedAt"`
	// Purchase order or shipment.
	Reference string `json:"reference,omitzero"`
	// How sure it is, in percent.
	ConfidencePercent *int64 `json:"confidencePercent,omitzero"`
}

// InventoryReferenceType is one of the constants below. What kind of document.
type InventoryReferenceType string

// The values of InventoryReferenceType.
const (
	InventoryReferenceTypeOrder         InventoryReferenceType = "order"
	InventoryReferenceTypeShipment      InventoryReferenceType = "shipment"
	InventoryReferenceTypeReturn        InventoryReferenceType = "return"
	InventoryReferenceTypeTransfer      InventoryReferenceType = "transfer"
	InventoryReferenceTypeCount         InventoryReferenceType = "count"
	InventoryReferenceTypePurchaseOrder InventoryReferenceType = "purchase-order"
)
