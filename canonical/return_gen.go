// Code generated from v1/return.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Return is the way back of goods: from a customer to us, or from us to a
// supplier.
type Return struct {
	// Name and version of the schema, such as return/1.0. The minor version only
	// ever adds.
	Schema string `json:"schema"`
	// Canonical id of the return: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the return, from 1; a lower or equal version
	// never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the return.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the return no longer exists; the document is then its tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// Return merchandise authorisation number.
	RMANumber string `json:"rmaNumber,omitzero"`
	// The order that the goods belong to.
	Order CanonicalID `json:"order"`
	// Channel on which the return was announced.
	Channel Channel `json:"channel,omitzero"`
	// When it was announced.
	RequestedAt time.Time `json:"requestedAt,omitzero"`
	// Where it stands.
	Status ReturnStatus `json:"status"`
	// When the goods were received.
	ReceivedAt time.Time `json:"receivedAt,omitzero"`
	// What comes back.
	Lines []ReturnLine `json:"lines"`
	// Currency of every amount.
	Currency Currency `json:"currency,omitzero"`
	// Amount given back altogether.
	RefundTotal Decimal `json:"refundTotal,omitzero"`
	// Fields of partners or sites that the return does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
	// Location that receives the goods.
	Location CanonicalID `json:"location,omitzero"`
}

// ReturnStatus is one of the constants below. Where it stands.
type ReturnStatus string

// The values of ReturnStatus.
const (
	ReturnStatusRequested ReturnStatus = "requested"
	ReturnStatusApproved  ReturnStatus = "approved"
	ReturnStatusInTransit ReturnStatus = "in-transit"
	ReturnStatusReceived  ReturnStatus = "received"
	ReturnStatusInspected ReturnStatus = "inspected"
	ReturnStatusRefunded  ReturnStatus = "refunded"
	ReturnStatusRejected  ReturnStatus = "rejected"
	ReturnStatusClosed    ReturnStatus = "closed"
)

// ReturnLine is one product that comes back.
type ReturnLine struct {
	// Line of the order.
	LineID string `json:"lineId,omitzero"`
	// The product.
	Product ProductReference `json:"product"`
	// Quantity that comes back.
	Quantity Quantity `json:"quantity"`
	// Unit of the quantity.
	UOM UnitOfMeasure `json:"uom"`
	// Why, in the customer's or channel's code.
	Reason string `json:"reason,omitzero"`
	// Result of the inspection.
	Condition ReturnLineCondition `json:"condition,omitzero"`
	// Whether it becomes sellable stock again.
	Restock *bool `json:"restock,omitzero"`
	// Amount given back for the line.
	Refund Decimal `json:"refund,omitzero"`
}

// ReturnLineCondition is one of the constants below. Result of the inspection.
type ReturnLineCondition string

// The values of ReturnLineCondition.
const (
	ReturnLineConditionSellable ReturnLineCondition = "sellable"
	ReturnLineConditionDamaged  ReturnLineCondition = "damaged"
	ReturnLineConditionInspect  ReturnLineCondition = "inspect"
	ReturnLineConditionDestroy  ReturnLineCondition = "destroy"
)
