// Code generated from v1/price.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Price is one price of one product on one price list.
type Price struct {
	// Name and version of the schema, such as price/1.0. The minor version only
	// ever adds.
	Schema string `json:"schema"`
	// Canonical id of the price: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the price, from 1; a lower or equal version
	// never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the price.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the price no longer exists; the document is then its tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// The product.
	Product ProductReference `json:"product"`
	// Name of the price list.
	PriceList string `json:"priceList"`
	// Channel it is for; absent for all.
	Channel Channel `json:"channel,omitzero"`
	// Location it is for; absent for all.
	Location CanonicalID `json:"location,omitzero"`
	// Currency of the amount.
	Currency Currency `json:"currency"`
	// The price of one unit.
	Amount Decimal `json:"amount"`
	// Unit that the price is for.
	UOM UnitOfMeasure `json:"uom"`
	// Quantity from which the price applies.
	MinQuantity Quantity `json:"minQuantity,omitzero"`
	// Whether the price contains tax.
	TaxIncluded *bool `json:"taxIncluded,omitzero"`
	// map is the minimum advertised price; markdown is a lasting, promotion a
	// passing reduction.
	Kind PriceKind `json:"kind"`
	// First instant at which it applies.
	From time.Time `json:"from,omitzero"`
	// Instant from which it no longer applies.
	To time.Time `json:"to,omitzero"`
	// Fields of partners or sites that the price does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// PriceKind is one of the constants below. map is the minimum advertised price;
// markdown is a lasting, promotion a passing reduction.
type PriceKind string

// The values of PriceKind.
const (
	PriceKindBase      PriceKind = "base"
	PriceKindList      PriceKind = "list"
	PriceKindCost      PriceKind = "cost"
	PriceKindMap       PriceKind = "map"
	PriceKindMarkdown  PriceKind = "markdown"
	PriceKindPromotion PriceKind = "promotion"
)
