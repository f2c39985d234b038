// Code generated from v1/shipment.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Shipment is a consignment on its way: a shipment confirmation, an advance
// ship notice (kind asn), an inbound delivery or a transfer.
type Shipment struct {
	// Name and version of the schema, such as shipment/1.0. The minor version only
	// ever adds.
	Schema string `json:"schema"`
	// Canonical id of the shipment: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the shipment, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the shipment.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the shipment no longer exists; the document is then its tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// outbound goes to a customer, asn announces a supplier's delivery, inbound
	// comes to us, transfer stays between our locations.
	Kind ShipmentKind `json:"kind"`
	// The order it fulfils.
	Order CanonicalID `json:"order"`
	// Numbers of that order at buyer and seller.
	OrderIdentifiers []Identifier `json:"orderIdentifiers,omitzero"`
	// Location it leaves.
	From CanonicalID `json:"from,omitzero"`
	// Party that receives it.
	To *Party `json:"to,omitzero"`
	// Where it is.
	Status ShipmentStatus `json:"status"`
	// When it left.
	ShippedAt time.Time `json:"shippedAt,omitzero"`
	// When it should arrive.
	ExpectedAt time.Time `json:"expectedAt,omitzero"`
	// When it arrived.
	DeliveredAt time.Time `json:"deliveredAt,omitzero"`
	// Who carries it.
	Carrier *ShipmentCarrier `json:"carrier,omitzero"`
	// What it is packed in.
	Packages []Package `json:"packages"`
	// Fields of partners or sites that the shipment does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// ShipmentKind is one of the constants below. outbound goes to a customer, asn
// announces a supplier's delivery, inbound comes to us, transfer stays between
// our locations.
type ShipmentKind string

// The values of ShipmentKind.
const (
	ShipmentKindOutbound ShipmentKind = "outbound"
	ShipmentKindAsn      ShipmentKind = "asn"
	ShipmentKindInbound  ShipmentKind = "inbound"
	ShipmentKindTransfer ShipmentKind = "transfer"
)

// ShipmentStatus is one of the constants below. Where it is.
type ShipmentStatus string

// The values of ShipmentStatus.
const (
	ShipmentStatusPlanned   ShipmentStatus = "planned"
	ShipmentStatusPicking   ShipmentStatus = "picking"
	ShipmentStatusPacked    ShipmentStatus = "packed"
	ShipmentStatusShipped   ShipmentStatus = "shipped"
	ShipmentStatusInTransit ShipmentStatus = "in-transit"
	ShipmentStatusDelivered ShipmentStatus = "delivered"
	ShipmentStatusException ShipmentStatus = "exception"
	ShipmentStatusCancelled ShipmentStatus = "cancelled"
)

// ShipmentCarrier says who carries it.
type ShipmentCarrier struct {
	// Standard Carrier Alpha Code.
	SCAC string `json:"scac,omitzero"`
	// Name of the carrier.
	Name string `json:"name,omitzero"`
	// Service level, such as express.
	Service string `json:"service,omitzero"`
}

// Package is one pallet, carton, parcel or tote.
type Package struct {
	// Unique within the shipment.
	ID string `json:"id"`
	// SSCC and other labels.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// Id of the package that contains this one.
	Parent string `json:"parent,omitzero"`
	// What kind of package it is.
	Kind PackageKind `json:"kind,omitzero"`
	// The gross weight of the package.
	Weight *PackageWeight `json:"weight,omitzero"`
	// The carrier's numbers for the package.
	Tracking []string `json:"tracking,omitzero"`
	// What is inside.
	Lines []PackageLine `json:"lines,omitzero"`
}

// PackageKind is one of the constants below. What kind of package it is.
type PackageKind string

// The values of PackageKind.
const (
	PackageKindPallet PackageKind = "pallet"
	PackageKindCarton PackageKind = "carton"
	PackageKindParcel PackageKind = "parcel"
	PackageKindTote   PackageKind = "tote"
)

// PackageWeight is the gross weight of the package.
type PackageWeight struct {
	// The weight.
	Value Quantity `json:"value"`
	// Unit of the weight, such as KGM.
	UOM UnitOfMeasure `json:"uom"`
}

// PackageLine is one product inside.
type PackageLine struct {
	// Line of the order.
	LineID string `json:"lineId,omitzero"`
	// The product.
	Product ProductReference `json:"product"`
	// Quantity inside.
	Quantity Quantity `json:"quantity"`
	// Unit of the quantity.
	UOM UnitOfMeasure `json:"uom"`
	// Batch or lot number.
	Lot string `json:"lot,omitzero"`
	// Serial numbers of the pieces.
	Serials []string `json:"serials,omitzero"`
}
