// Code generated from v1/common.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Decimal is an exact decimal number as text: no exponent, no thousands
// separator, no leading zeros, up to 18 digits before and 9 after the point.
// Never a JSON number.
type Decimal string

// Quantity is a decimal quantity as text, counted in the unit of measure beside
// it. Up to 12 digits before and 6 after the point.
type Quantity string

// Currency is an ISO 4217 alphabetic currency code, such as EUR.
type Currency string

// Money is an amount with its own currency; used only where it may differ from
// the document's currency.
type Money struct {
	// The amount in major units of the currency, such as 12.50.
	Amount Decimal `json:"amount"`
	// Currency of the amount.
	Currency Currency `json:"currency"`
}

// UnitOfMeasure is a UN/ECE Recommendation 20 code: EA each, KGM kilogram, LTR
// litre, MTR metre, and with the Recommendation 21 prefix X: XCS case, XPK
// package, XPX pallet.
type UnitOfMeasure string

// LocalDateAndTime is a wall-clock time without an offset, such as
// 2026-11-27T09:00:00; read in the time zone beside it or at each location.
type LocalDateAndTime string

// Date is a calendar date, RFC 3339 full-date, such as 2026-11-27.
type Date string

// TimeZone is an IANA time zone name, such as Europe/Berlin.
type TimeZone string

// Country is an ISO 3166-1 alpha-2 country code, such as DE.
type Country string

// Language is a BCP 47 language tag, such as de or pt-BR.
type Language string

// CanonicalID is the identity of an entity for life: opaque, without spaces,
// unique per entity type and tenant, such as order:shop:4711.
type CanonicalID string

// Channel is the id of a selling or publishing channel of this deployment, such
// as web-de, pos-us or amazon-eu.
type Channel string

// System is the id of a connected system instance, such as erp-main or
// wms-east.
type System string

// Identifier is one name under which a system, partner or registry knows the
// thing. Scheme, issuer and value together are unique per entity type.
type Identifier struct {
	// What kind of identifier the value is. GS1 schemes (gtin, upc, gln, sscc)
	// have their check digit verified; x: opens schemes of your own.
	Scheme string `json:"scheme"`
	// The identifier itself, as its issuer writes it.
	Value string `json:"value"`
	// Who assigned it: a system, a partner or a registry. Required in practice for
	// sku, vendor and shop numbers, which several systems assign.
	Issuer string `json:"issuer,omitzero"`
	// Whether this is the identifier people use for the thing.
	Primary *bool `json:"primary,omitzero"`
}

// Address is a postal address with its contact.
type Address struct {
	// Addressee. Personal data.
	Name string `json:"name,omitzero"`
	// Company name, when the addressee is reached there.
	Company string `json:"company,omitzero"`
	// Street and house number. Personal data.
	Line1 string `json:"line1,omitzero"`
	// Apartment, floor, building. Personal data.
	Line2 string `json:"line2,omitzero"`
	// Town or city.
	City string `json:"city,omitzero"`
	// State or province: the part of the ISO 3166-2 code after the country, such
	// as BY for DE-BY.
	Region string `json:"region,omitzero"`
	// Postal or ZIP code, as text. Personal data.
	PostalCode string `json:"postalCode,omitzero"`
	// Country of the address.
	Country Country `json:"country"`
	// Telephone number, E.164 where known. Personal data.
	Phone string `json:"phone,omitzero"`
	// Electronic mail address for delivery notices. Personal data.
	Email string `json:"email,omitzero"`
	// Names of the place, such as its GLN.
	Identifiers []Identifier `json:"identifiers,omitzero"`
}

// Source says which system said this, and where in that system's own order it
// stands.
type Source struct {
	// The system that the information comes from.
	System System `json:"system"`
	// Ordering scope inside the system, such as a warehouse or a table; sequence
	// counts within it.
	Stream string `json:"stream,omitzero"`
	// Counter of the source that only grows within (system, stream). The only
	// thing that ordering trusts.
	Sequence *int64 `json:"sequence,omitzero"`
	// When the source recorded it.
	RecordedAt time.Time `json:"recordedAt,omitzero"`
	// The source's own id of the message.
	MessageID string `json:"messageId,omitzero"`
	// File name, interchange control number or webhook id in which it arrived.
	Document string `json:"document,omitzero"`
}

// DocumentError is one thing that is wrong with a document.
type DocumentError struct {
	// Stable, machine readable code.
	Code string `json:"code"`
	// What is wrong, in words for the person who must act.
	Message string `json:"message"`
	// JSON Pointer to the field at fault.
	Path string `json:"path,omitzero"`
	// error stops the document, warning does not.
	Severity DocumentErrorSeverity `json:"severity,omitzero"`
	// The line at fault, when it is one line.
	LineID string `json:"lineId,omitzero"`
}

// Tax is one tax that was computed.
type Tax struct {
	// Tax category or code of the tax engine.
	Code string `json:"code,omitzero"`
	// Rate in percent, such as 19 or 7.25.
	Rate Decimal `json:"rate,omitzero"`
	// Tax amount in the document's currency.
	Amount Decimal `json:"amount"`
	// Whether the amount is already contained in the price.
	Included *bool `json:"included,omitzero"`
	// Authority that levies it, such as US-CA or DE.
	Jurisdiction string `json:"jurisdiction,omitzero"`
}

// Discount is one reduction and why it was granted.
type Discount struct {
	// The promotion that granted it.
	PromotionID CanonicalID `json:"promotionId,omitzero"`
	// Version of that promotion.
	PromotionVersion *int64 `json:"promotionVersion,omitzero"`
	// Coupon that the customer entered.
	Code string `json:"code,omitzero"`
	// Reduction in the document's currency, as a positive amount.
	Amount Decimal `json:"amount"`
	// What is reduced: an item, the order, shipping, or by hand.
	Kind DiscountKind `json:"kind,omitzero"`
}

// Party is a person or organisation in a role of the document.
type Party struct {
	// Canonical id of the party, when it is known.
	ID CanonicalID `json:"id,omitzero"`
	// Name of the party as printed on documents.
	Name string `json:"name,omitzero"`
	// Names of the party, such as GLN, DUNS or VAT number.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// Address of the party.
	Address *Address `json:"address,omitzero"`
	// The person to reach at the party.
	Contact *Contact `json:"contact,omitzero"`
}

// ProductReference is a product, named by canonical id, by identifiers, or
// both; at least one.
type ProductReference struct {
	// Canonical id of the product.
	ID CanonicalID `json:"id,omitzero"`
	// GTIN, SKU, vendor or buyer item number.
	Identifiers []Identifier `json:"identifiers,omitzero"`
}

// DocumentErrorSeverity is one of the constants below. error stops the
// document, warning does not.
type DocumentErrorSeverity string

// The values of DocumentErrorSeverity.
const (
	DocumentErrorSeverityError   DocumentErrorSeverity = "error"
	DocumentErrorSeverityWarning DocumentErrorSeverity = "warning"
)

// DiscountKind is one of the constants below. What is reduced: an item, the
// order, shipping, or by hand.
type DiscountKind string

// The values of DiscountKind.
const (
	DiscountKindItem     DiscountKind = "item"
	DiscountKindOrder    DiscountKind = "order"
	DiscountKindShipping DiscountKind = "shipping"
	DiscountKindManual   DiscountKind = "manual"
)

// Contact is the person to reach at the party.
type Contact struct {
	// Name of the person. Personal data.
	Name string `json:"name,omitzero"`
	// Electronic mail address of the person. Personal data.
	Email string `json:"email,omitzero"`
	// Telephone number of the person. Personal data.
	Phone string `json:"phone,omitzero"`
}
