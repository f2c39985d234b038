// Code generated from v1/order.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Order is a sales or purchase order: what was ordered, by whom, for which
// price, to be fulfilled where, and where it stands.
type Order struct {
	// Name and version of the schema, such as order/1.0. The minor version only
	// ever adds.
	Schema string `json:"schema"`
	// Canonical id of the order: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the order, from 1; a lower or equal version
	// never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the order.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the order no longer exists; the document is then its tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// The number that customers and staff use for the order.
	OrderNumber string `json:"orderNumber"`
	// sale: a customer buys from us; purchase: we buy from a supplier; transfer:
	// between our own locations; exchange and replacement: follow a return.
	Type OrderType `json:"type"`
	// Channel on which the order was placed.
	Channel Channel `json:"channel"`
	// When the customer or buyer placed it.
	PlacedAt time.Time `json:"placedAt"`
	// Currency of every amount in the order.
	Currency Currency `json:"currency"`
	// Whether prices contain tax.
	TaxIncluded *bool `json:"taxIncluded,omitzero"`
	// A test order: it must reach no ERP and no warehouse.
	Test *bool `json:"test,omitzero"`
	// Where the order stands. held waits for a decision (payment, fraud, credit);
	// released may be picked.
	Status OrderStatus `json:"status"`
	// Where the payment stands, over all payments.
	PaymentStatus OrderPaymentStatus `json:"paymentStatus,omitzero"`
	// Result of the fraud check.
	FraudStatus OrderFraudStatus `json:"fraudStatus,omitzero"`
	// Who bought, on a sales order.
	Customer *OrderCustomer `json:"customer,omitzero"`
	// Party that buys, on a purchase order.
	Buyer *Party `json:"buyer,omitzero"`
	// Party that sells.
	Seller *Party `json:"seller,omitzero"`
	// Party that receives the invoice.
	BillTo *Party `json:"billTo,omitzero"`
	// Groups of lines that reach the customer together.
	Fulfilments []Fulfilment `json:"fulfilments,omitzero"`
	// What was ordered.
	Lines []OrderLine `json:"lines"`
	// Amounts added to the lines, such as shipping.
	Charges []OrderCharge `json:"charges,omitzero"`
	// Reductions of the whole order.
	Discounts []Discount `json:"discounts,omitzero"`
	// Taxes of the whole order, when they are not stated per line.
	Taxes []Tax `json:"taxes,omitzero"`
	// Amounts of the whole order.
	Totals OrderTotals `json:"totals"`
	// How the order is paid.
	Payments []Payment `json:"payments,omitzero"`
	// The terms of a purchase order.
	Terms *PaymentTerms `json:"terms,omitzero"`
	// What the document does to an earlier one of the same number; original starts
	// an order.
	Purpose OrderPurpose `json:"purpose,omitzero"`
	// Where this order stands in each target system; answers "where is order
	// 4711?".
	Postings []Posting `json:"postings,omitzero"`
	// Remarks for people.
	Notes []string `json:"notes,omitzero"`
	// Fields of partners or sites that the order does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// OrderType is one of the constants below. sale: a customer buys from us;
// purchase: we buy from a supplier; transfer: between our own locations;
// exchange and replacement: follow a return.
type OrderType string

// The values of OrderType.
const (
	OrderTypeSale        OrderType = "sale"
	OrderTypePurchase    OrderType = "purchase"
	OrderTypeTransfer    OrderType = "transfer"
	OrderTypeExchange    OrderType = "exchange"
	OrderTypeReplacement OrderType = "replacement"
)

// OrderStatus is one of the constants below. Where the order stands. held waits
// for a decision (payment, fraud, credit); released may be picked.
type OrderStatus string

// The values of OrderStatus.
const (
	OrderStatusCart        OrderStatus = "cart"
	OrderStatusPlaced      OrderStatus = "placed"
	OrderStatusHeld        OrderStatus = "held"
	OrderStatusConfirmed   OrderStatus = "confirmed"
	OrderStatusReleased    OrderStatus = "released"
	OrderStatusPartShipped OrderStatus = "part-shipped"
	OrderStatusShipped     OrderStatus = "shipped"
	OrderStatusDelivered   OrderStatus = "delivered"
	OrderStatusClosed      OrderStatus = "closed"
	OrderStatusCancelled   OrderStatus = "cancelled"
)

// OrderPaymentStatus is one of the constants below. Where the payment stands,
// over all payments.
type OrderPaymentStatus string

// The values of OrderPaymentStatus.
const (
	OrderPaymentStatusNone         OrderPaymentStatus = "none"
	OrderPaymentStatusPending      OrderPaymentStatus = "pending"
	OrderPaymentStatusAuthorised   OrderPaymentStatus = "authorised"
	OrderPaymentStatusPartCaptured OrderPaymentStatus = "part-captured"
	OrderPaymentStatusCaptured     OrderPaymentStatus = "captured"
	OrderPaymentStatusPartRefunded OrderPaymentStatus = "part-refunded"
	OrderPaymentStatusRefunded     OrderPaymentStatus = "refunded"
	OrderPaymentStatusFailed       OrderPaymentStatus = "failed"
	OrderPaymentStatusVoided       OrderPaymentStatus = "voided"
)

// OrderFraudStatus is one of the constants below. Result of the fraud check.
type OrderFraudStatus string

// The values of OrderFraudStatus.
const (
	OrderFraudStatusNone     OrderFraudStatus = "none"
	OrderFraudStatusPending  OrderFraudStatus = "pending"
	OrderFraudStatusAccepted OrderFraudStatus = "accepted"
	OrderFraudStatusReview   OrderFraudStatus = "review"
	OrderFraudStatusRejected OrderFraudStatus = "rejected"
)

// OrderCustomer says who bought, on a sales order.
type OrderCustomer struct {
	// Canonical id of the customer.
	ID CanonicalID `json:"id,omitzero"`
	// Loyalty number, shop account, hash of the mail address.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// Customer segments at the time of the order.
	Segments []string `json:"segments,omitzero"`
}

// Fulfilment is one way in which lines reach the customer.
type Fulfilment struct {
	// Unique within the order; lines refer to it.
	ID string `json:"id"`
	// How goods reach the customer.
	Method FulfilmentMethod `json:"method"`
	// Party and address that receive the goods.
	ShipTo *Party `json:"shipTo,omitzero"`
	// Location that ships, or where the customer picks up.
	Location CanonicalID `json:"location,omitzero"`
	// Delivery time that the customer asked for.
	RequestedAt time.Time `json:"requestedAt,omitzero"`
	// Goods must not arrive earlier.
	NotBefore time.Time `json:"notBefore,omitzero"`
	// Whatever has not shipped by then is cancelled.
	CancelAfter time.Time `json:"cancelAfter,omitzero"`
	// Delivery time promised to the customer.
	PromisedAt time.Time `json:"promisedAt,omitzero"`
	// The carrier that the customer or buyer chose.
	Carrier *FulfilmentCarrier `json:"carrier,omitzero"`
}

// OrderLine is one product ordered.
type OrderLine struct {
	// Unique within the order and stable through changes.
	LineID string `json:"lineId"`
	// The product ordered.
	Product ProductReference `json:"product"`
	// Product text as shown to the buyer.
	Description string `json:"description,omitzero"`
	// Quantity ordered.
	Quantity Quantity `json:"quantity"`
	// Unit in which the quantity is counted.
	UOM UnitOfMeasure `json:"uom"`
	// Price of one unit, before discounts.
	UnitPrice Decimal `json:"unitPrice,omitzero"`
	// Recommended price, for comparison.
	ListPrice Decimal `json:"listPrice,omitzero"`
	// Reductions of this line.
	Discounts []Discount `json:"discounts,omitzero"`
	// Taxes of this line.
	Taxes []Tax `json:"taxes,omitzero"`
	// Amount of the line after discounts; with tax when taxIncluded is true.
	LineTotal Decimal `json:"lineTotal,omitzero"`
	// How much of the ordered quantity has reached which state.
	Quantities *LineQuantities `json:"quantities,omitzero"`
	// Where the line stands.
	Status OrderLineStatus `json:"status,omitzero"`
	// Id of the fulfilment that delivers the line.
	Fulfilment string `json:"fulfilment,omitzero"`
	// Delivery time asked for, when it differs from the fulfilment's.
	RequestedAt time.Time `json:"requestedAt,omitzero"`
	// Delivery time promised, when it differs from the fulfilment's.
	PromisedAt time.Time `json:"promisedAt,omitzero"`
	// Whether the line is wrapped as a gift.
	Gift *bool `json:"gift,omitzero"`
	// Partner or site fields of the line.
	Ext map[string]any `json:"ext,omitzero"`
}

// OrderCharge is one amount added to the order.
type OrderCharge struct {
	// What is charged.
	Kind OrderChargeKind `json:"kind"`
	// Amount of the charge in the order's currency.
	Amount Decimal `json:"amount"`
	// Taxes of the charge.
	Taxes []Tax `json:"taxes,omitzero"`
}

// OrderTotals holds amounts of the whole order.
type OrderTotals struct {
	// Sum of the line totals.
	Lines Decimal `json:"lines,omitzero"`
	// Sum of all discounts, as a positive amount.
	Discounts Decimal `json:"discounts,omitzero"`
	// Sum of all charges.
	Charges Decimal `json:"charges,omitzero"`
	// Sum of all taxes.
	Taxes Decimal `json:"taxes,omitzero"`
	// What the buyer owes.
	Total Decimal `json:"total"`
}

// Payment is one payment or authorisation.
type Payment struct {
	// Unique within the order.
	ID string `json:"id,omitzero"`
	// Means of payment, such as card, invoice or gift-card.
	Method string `json:"method,omitzero"`
	// Amount authorised or paid.
	Amount Money `json:"amount"`
	// State of this payment in the payment provider's words.
	Status string `json:"status"`
	// When it was authorised.
	AuthorisedAt time.Time `json:"authorisedAt,omitzero"`
	// When the authorisation lapses; capture before.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// The payment provider's transaction reference.
	Reference string `json:"reference,omitzero"`
}

// PaymentTerms is the terms of a purchase order.
type PaymentTerms struct {
	// Days until the full amount is due.
	NetDays *int64 `json:"netDays,omitzero"`
	// Discount for early payment, in percent.
	DiscountPercent Decimal `json:"discountPercent,omitzero"`
	// Days within which the early payment discount applies.
	DiscountDays *int64 `json:"discountDays,omitzero"`
	// Incoterms 2020 rule, such as DAP.
	Incoterm string `json:"incoterm,omitzero"`
}

// OrderPurpose is one of the constants below. What the document does to an
// earlier one of the same number; original starts an order.
type OrderPurpose string

// The values of OrderPurpose.
const (
	OrderPurposeOriginal     OrderPurpose = "original"
	OrderPurposeChange       OrderPurpose = "change"
	OrderPurposeCancel       OrderPurpose = "cancel"
	OrderPurposeDuplicate    OrderPurpose = "duplicate"
	OrderPurposeConfirmation OrderPurpose = "confirmation"
)

// Posting is the order in one target system.
type Posting struct {
	// The target system.
	System System `json:"system"`
	// deferred waits on purpose, reversed was posted and then undone.
	State PostingState `json:"state"`
	// Number that the target gave the order.
	DocumentNumber string `json:"documentNumber,omitzero"`
	// How often it was tried.
	Attempts *int64 `json:"attempts,omitzero"`
	// When the state was reached.
	At time.Time `json:"at,omitzero"`
	// Why the target refused it.
	Error *DocumentError `json:"error,omitzero"`
}

// FulfilmentMethod is one of the constants below. How goods reach the customer.
type FulfilmentMethod string

// The values of FulfilmentMethod.
const (
	FulfilmentMethodShip        FulfilmentMethod = "ship"
	FulfilmentMethodPickup      FulfilmentMethod = "pickup"
	FulfilmentMethodShipToStore FulfilmentMethod = "ship-to-store"
	FulfilmentMethodDigital     FulfilmentMethod = "digital"
)

// FulfilmentCarrier is the carrier that the customer or buyer chose.
type FulfilmentCarrier struct {
	// Standard Carrier Alpha Code.
	SCAC string `json:"scac,omitzero"`
	// Service level, such as express.
	Service string `json:"service,omitzero"`
	// Account that is charged for carriage.
	Account string `json:"account,omitzero"`
}

// LineQuantities says how much of the ordered quantity has reached which state.
type LineQuantities struct {
	// Held for this line, not bound to a location.
	Reserved Quantity `json:"reserved,omitzero"`
	// Assigned to a location.
	Allocated Quantity `json:"allocated,omitzero"`
	// Handed to a warehouse or store to pick.
	Released Quantity `json:"released,omitzero"`
	// Left the location.
	Shipped Quantity `json:"shipped,omitzero"`
	// Will not be delivered.
	Cancelled Quantity `json:"cancelled,omitzero"`
	// Came back.
	Returned Quantity `json:"returned,omitzero"`
	// Waits for stock.
	Backordered Quantity `json:"backordered,omitzero"`
}

// OrderLineStatus is one of the constants below. Where the line stands.
type OrderLineStatus string

// The values of OrderLineStatus.
const (
	OrderLineStatusOpen        OrderLineStatus = "open"
	OrderLineStatusReserved    OrderLineStatus = "reserved"
	OrderLineStatusAllocated   OrderLineStatus = "allocated"
	OrderLineStatusReleased    OrderLineStatus = "released"
	OrderLineStatusShipped     OrderLineStatus = "shipped"
	OrderLineStatusDelivered   OrderLineStatus = "delivered"
	OrderLineStatusCancelled   OrderLineStatus = "cancelled"
	OrderLineStatusReturned    OrderLineStatus = "returned"
	OrderLineStatusBackordered OrderLineStatus = "backordered"
)

// OrderChargeKind is one of the constants below. What is charged.
type OrderChargeKind string

// The values of OrderChargeKind.
const (
	OrderChargeKindShipping  OrderChargeKind = "shipping"
	OrderChargeKindHandling  OrderChargeKind = "handling"
	OrderChargeKindGiftWrap  OrderChargeKind = "gift-wrap"
	OrderChargeKindSurcharge OrderChargeKind = "surcharge"
	OrderChargeKindOther     OrderChargeKind = "other"
)

// PostingState is one of the constants below. deferred waits on purpose,
// reversed was posted and then undone.
type PostingState string

// The values of PostingState.
const (
	PostingStatePending  PostingState = "pending"
	PostingStateDeferred PostingState = "deferred"
	PostingStateSent     PostingState = "sent"
	PostingStatePosted   PostingState = "posted"
	PostingStateRejected PostingState = "rejected"
	PostingStateReversed PostingState = "reversed"
)
