// Code generated from v1/invoice.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Invoice is an invoice, credit note or debit note.
type Invoice struct {
	// Name and version of the schema, such as invoice/1.0. The minor version only
	// ever adds.
	Schema string `json:"schema"`
	// Canonical id of the invoice: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the invoice, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the invoice.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the invoice no longer exists; the document is then its tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// What the document does to what is owed.
	Kind InvoiceKind `json:"kind"`
	// Number that the seller gave it.
	InvoiceNumber string `json:"invoiceNumber"`
	// Invoice date.
	IssuedOn Date `json:"issuedOn"`
	// Date by which it is to be paid.
	DueOn Date `json:"dueOn,omitzero"`
	// Currency of every amount.
	Currency Currency `json:"currency"`
	// The order that is invoiced.
	Order CanonicalID `json:"order,omitzero"`
	// The shipment that is invoiced.
	Shipment CanonicalID `json:"shipment,omitzero"`
	// Party that is owed.
	Seller *Party `json:"seller,omitzero"`
	// Party that owes.
	Buyer *Party `json:"buyer,omitzero"`
	// What is invoiced.
	Lines []InvoiceLine `json:"lines"`
	// Amounts added to the lines.
	Charges []InvoiceCharge `json:"charges,omitzero"`
	// Taxes of the whole invoice, one per rate.
	Taxes []Tax `json:"taxes,omitzero"`
	// Amounts of the whole invoice.
	Totals InvoiceTotals `json:"totals"`
	// Where it stands.
	Status InvoiceStatus `json:"status,omitzero"`
	// Fields of partners or sites that the invoice does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// InvoiceKind is one of the constants below. What the document does to what is
// owed.
type InvoiceKind string

// The values of InvoiceKind.
const (
	InvoiceKindInvoice    InvoiceKind = "invoice"
	InvoiceKindCreditNote InvoiceKind = "credit-note"
	InvoiceKindDebitNote  InvoiceKind = "debit-note"
)

// InvoiceLine is one product or service invoiced.
type InvoiceLine struct {
	// Unique within the invoice; the order's line id where there is one.
	LineID string `json:"lineId"`
	// The product.
	Product *ProductReference `json:"product,omitzero"`
	// Quantity invoiced.
	Quantity Quantity `json:"quantity"`
	// Unit of the quantity.
	UOM UnitOfMeasure `json:"uom"`
	// Price of one unit.
	UnitPrice Decimal `json:"unitPrice,omitzero"`
	// Amount of the line without tax.
	LineTotal Decimal `json:"lineTotal"`
	// Taxes of the line.
	Taxes []Tax `json:"taxes,omitzero"`
}

// InvoiceCharge is one amount added.
type InvoiceCharge struct {
	// What is charged, such as shipping.
	Kind string `json:"kind"`
	// Amount of the charge.
	Amount Decimal `json:"amount"`
}

// InvoiceTotals holds amounts of the whole invoice.
type InvoiceTotals struct {
	// Sum of the line totals.
	Lines Decimal `json:"lines,omitzero"`
	// Sum of all taxes.
	Taxes Decimal `json:"taxes,omitzero"`
	// What is owed; positive on a credit note too.
	Total Decimal `json:"total"`
}

// InvoiceStatus is one of the constants below. Where it stands.
type InvoiceStatus string

// The values of InvoiceStatus.
const (
	InvoiceStatusDraft     InvoiceStatus = "draft"
	InvoiceStatusIssued    InvoiceStatus = "issued"
	InvoiceStatusAccepted  InvoiceStatus = "accepted"
	InvoiceStatusDisputed  InvoiceStatus = "disputed"
	InvoiceStatusPaid      InvoiceStatus = "paid"
	InvoiceStatusCancelled InvoiceStatus = "cancelled"
)
