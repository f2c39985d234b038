// Code generated from v1/product.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Product is a sellable or stocked item, in all the units it is packed in.
type Product struct {
	// Name and version of the schema, such as product/1.0. The minor version only
	// ever adds.
	Schema string `json:"schema"`
	// Canonical id of the product: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the product, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the product.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the product no longer exists; the document is then its tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// kit is sold as one and stocked as components; variant-group is a parent that
	// is not sold itself.
	Kind ProductKind `json:"kind"`
	// The variant group that the product belongs to.
	ParentID CanonicalID `json:"parentId,omitzero"`
	// Product name as shown to customers.
	Name string `json:"name,omitzero"`
	// Brand name.
	Brand string `json:"brand,omitzero"`
	// Product text.
	Description string `json:"description,omitzero"`
	// discontinued sells off, blocked must not be sold, deleted is gone.
	Lifecycle ProductLifecycle `json:"lifecycle"`
	// Where the product stands in category trees.
	Classification []Classification `json:"classification,omitzero"`
	// Item groups used by promotions and allocation.
	Groups []string `json:"groups,omitzero"`
	// Unit in which stock is kept and quantities are exchanged.
	BaseUOM UnitOfMeasure `json:"baseUom"`
	// Larger units in which it is ordered or shipped.
	Packs []Pack `json:"packs,omitzero"`
	// Values that tell variants apart, such as size: M.
	Options map[string]string `json:"options,omitzero"`
	// Tax category.
	TaxCode string `json:"taxCode,omitzero"`
	// What one base unit costs us.
	Cost *Money `json:"cost,omitzero"`
	// The gross weight of one base unit.
	Weight *ProductWeight `json:"weight,omitzero"`
	// On which channels it may be sold.
	Channels []ChannelListing `json:"channels,omitzero"`
	// Where it may not be sold.
	Regions []SalesRegion `json:"regions,omitzero"`
	// What a kit consists of; its availability is the least over its components.
	Components []Component `json:"components,omitzero"`
	// Whether stock is counted; false for services and gift cards.
	Tracked *bool `json:"tracked,omitzero"`
	// Days from purchase order to receipt.
	LeadTimeDays *int64 `json:"leadTimeDays,omitzero"`
	// Fields of partners or sites that the product does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// ProductKind is one of the constants below. kit is sold as one and stocked as
// components; variant-group is a parent that is not sold itself.
type ProductKind string

// The values of ProductKind.
const (
	ProductKindItem         ProductKind = "item"
	ProductKindKit          ProductKind = "kit"
	ProductKindService      ProductKind = "service"
	ProductKindGiftCard     ProductKind = "gift-card"
	ProductKindVariantGroup ProductKind = "variant-group"
)

// ProductLifecycle is one of the constants below. discontinued sells off,
// blocked must not be sold, deleted is gone.
type ProductLifecycle string

// The values of ProductLifecycle.
const (
	ProductLifecyclePlanned      ProductLifecycle = "planned"
	ProductLifecycleActive       ProductLifecycle = "active"
	ProductLifecycleDiscontinued ProductLifecycle = "discontinued"
	ProductLifecycleBlocked      ProductLifecycle = "blocked"
	ProductLifecycleDeleted      ProductLifecycle = "deleted"
)

// Classification is one code in one category tree.
type Classification struct {
	// The tree, such as gpc, unspsc or google.
	Scheme string `json:"scheme"`
	// Code of the category in that tree.
	Code string `json:"code"`
	// The category in words, from the root.
	Path string `json:"path,omitzero"`
}

// Pack is one larger unit.
type Pack struct {
	// Unit of the pack.
	UOM UnitOfMeasure `json:"uom"`
	// Base units in the pack.
	Quantity Quantity `json:"quantity"`
	// GTIN of the pack.
	Identifiers []Identifier `json:"identifiers,omitzero"`
}

// ProductWeight is the gross weight of one base unit.
type ProductWeight struct {
	// The weight.
	Value Quantity `json:"value"`
	// Unit of the weight, such as KGM.
	UOM UnitOfMeasure `json:"uom"`
}

// ChannelListing is the product on one channel.
type ChannelListing struct {
	// The channel.
	Channel Channel `json:"channel"`
	// Whether it is on sale there.
	Listed bool `json:"listed"`
	// Start of the listing.
	From time.Time `json:"from,omitzero"`
	// End of the listing, exclusive.
	To time.Time `json:"to,omitzero"`
	// The channel's own id of the product.
	ExternalID string `json:"externalId,omitzero"`
}

// SalesRegion is one country or region.
type SalesRegion struct {
	// The country.
	Country Country `json:"country"`
	// ISO 3166-2 part after the country; absent for the whole country.
	Region string `json:"region,omitzero"`
	// Whether sale is forbidden there.
	Blocked bool `json:"blocked"`
	// Why it is blocked.
	Reason string `json:"reason,omitzero"`
	// Start of the rule.
	From time.Time `json:"from,omitzero"`
	// End of the rule, exclusive.
	To time.Time `json:"to,omitzero"`
}

// Component is one product in the kit.
type Component struct {
	// The product.
	Product ProductReference `json:"product"`
	// Quantity in one kit.
	Quantity Quantity `json:"quantity"`
}
