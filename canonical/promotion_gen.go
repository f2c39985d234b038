// Code generated from v1/promotion.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Promotion is one version of a promotion: when, where, on what, under which
// conditions it reduces prices.
type Promotion struct {
	// Name and version of the schema, such as promotion/1.0. The minor version
	// only ever adds.
	Schema string `json:"schema"`
	// Canonical id of the promotion: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the promotion, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the promotion.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the promotion no longer exists; the document is then its
	// tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// Name of the promotion for staff.
	Name string `json:"name"`
	// Where this version stands. quarantined was released to no channel because
	// one could not take it.
	Status PromotionStatus `json:"status"`
	// Version of the promotion, from 1; a change makes a new one.
	Version int64 `json:"version"`
	// The version that this one replaces.
	Supersedes *int64 `json:"supersedes,omitzero"`
	// When it applies.
	Schedule PromotionSchedule `json:"schedule"`
	// Where it is published.
	Channels []PromotionChannel `json:"channels"`
	// What it applies to, before it is resolved to items.
	Scope *PromotionScope `json:"scope,omitzero"`
	// Customer segments it is for; absent for everyone.
	Segments []string `json:"segments,omitzero"`
	// Currency of every amount in it.
	Currency Currency `json:"currency,omitzero"`
	// What a basket must fulfil; all of them.
	Conditions []Condition `json:"conditions,omitzero"`
	// What the customer gets.
	Rewards []Reward `json:"rewards"`
	// How it combines with other promotions.
	Stacking *Stacking `json:"stacking,omitzero"`
	// When it ends early.
	Limits *PromotionLimits `json:"limits,omitzero"`
	// The checks before release; an item that fails one is removed.
	Guards *PromotionGuards `json:"guards,omitzero"`
	// Items after enrichment and checks; this list is what is published.
	Items []PromotionItem `json:"items,omitzero"`
	// Items left out and why, for business review.
	Removed []RemovedItem `json:"removed,omitzero"`
	// Person or team responsible.
	Owner string `json:"owner,omitzero"`
	// Fields of partners or sites that the promotion does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// PromotionStatus is one of the constants below. Where this version stands.
// quarantined was released to no channel because one could not take it.
type PromotionStatus string

// The values of PromotionStatus.
const (
	PromotionStatusDraft       PromotionStatus = "draft"
	PromotionStatusValidating  PromotionStatus = "validating"
	PromotionStatusReady       PromotionStatus = "ready"
	PromotionStatusReleasing   PromotionStatus = "releasing"
	PromotionStatusActive      PromotionStatus = "active"
	PromotionStatusQuarantined PromotionStatus = "quarantined"
	PromotionStatusRolledBack  PromotionStatus = "rolled-back"
	PromotionStatusExpired     PromotionStatus = "expired"
	PromotionStatusCancelled   PromotionStatus = "cancelled"
)

// PromotionSchedule says when it applies.
type PromotionSchedule struct {
	// absolute uses start and end everywhere at once; location-local uses
	// localStart and localEnd by each store's own clock.
	Basis PromotionScheduleBasis `json:"basis"`
	// First instant at which it applies.
	Start time.Time `json:"start,omitzero"`
	// Instant from which it no longer applies.
	End time.Time `json:"end,omitzero"`
	// First wall-clock time at which it applies.
	LocalStart LocalDateAndTime `json:"localStart,omitzero"`
	// Wall-clock time from which it no longer applies.
	LocalEnd LocalDateAndTime `json:"localEnd,omitzero"`
	// RFC 5545 RRULE of repeated windows.
	Recurrence string `json:"recurrence,omitzero"`
}

// PromotionChannel is the publication on one channel.
type PromotionChannel struct {
	// The channel.
	Channel Channel `json:"channel"`
	// Whether the promotion goes live nowhere unless this channel takes it.
	Required bool `json:"required"`
	// ISO 8601 duration, such as PT30M, within which the channel must confirm.
	AckWithin string `json:"ackWithin,omitzero"`
	// Stores of the channel; absent for all.
	Locations []CanonicalID `json:"locations,omitzero"`
}

// PromotionScope says what it applies to, before it is resolved to items.
type PromotionScope struct {
	// Products named one by one.
	Products []ProductReference `json:"products,omitzero"`
	// Item groups.
	Groups []string `json:"groups,omitzero"`
	// Products that it never applies to.
	ExcludedProducts []ProductReference `json:"excludedProducts,omitzero"`
	// ISO 3166 codes of countries or regions.
	Regions []string `json:"regions,omitzero"`
	// Locations where it applies; absent for all.
	Locations []CanonicalID `json:"locations,omitzero"`
}

// Condition is one thing a basket must fulfil.
type Condition struct {
	// What is tested.
	Kind ConditionKind `json:"kind"`
	// What it is tested against: a quantity, an amount, a coupon code, a segment,
	// a tender.
	Value string `json:"value,omitzero"`
	// Item group that counts; absent for the whole basket.
	Group string `json:"group,omitzero"`
}

// Reward is one reduction or gift.
type Reward struct {
	// What is given.
	Kind RewardKind `json:"kind"`
	// Percent, amount, price or points, by kind.
	Value Decimal `json:"value,omitzero"`
	// How many must be bought in buy-x-get-y.
	BuyQuantity Quantity `json:"buyQuantity,omitzero"`
	// How many are given in buy-x-get-y.
	GetQuantity Quantity `json:"getQuantity,omitzero"`
	// What the reduction applies to.
	Target RewardTarget `json:"target,omitzero"`
	// The product that is given.
	Gift *ProductReference `json:"gift,omitzero"`
	// How the reduced price is rounded.
	Rounding RewardRounding `json:"rounding,omitzero"`
}

// Stacking says how it combines with other promotions.
type Stacking struct {
	// Promotions of one group exclude each other.
	Group string `json:"group,omitzero"`
	// Combines with no other promotion.
	Exclusive *bool `json:"exclusive,omitzero"`
	// Lower is applied first.
	Order *int64 `json:"order,omitzero"`
	// Groups it may be combined with.
	CombinesWith []string `json:"combinesWith,omitzero"`
}

// PromotionLimits says when it ends early.
type PromotionLimits struct {
	// Uses per customer.
	PerCustomer *int64 `json:"perCustomer,omitzero"`
	// Uses overall.
	Total *int64 `json:"total,omitzero"`
	// Sum of reductions after which it ends.
	Budget *Money `json:"budget,omitzero"`
	// Availability below which an item leaves it.
	StockFloor Quantity `json:"stockFloor,omitzero"`
}

// PromotionGuards is the checks before release; an item that fails one is
// removed.
type PromotionGuards struct {
	// Least margin in percent of the reduced price.
	MinMarginPercent Decimal `json:"minMarginPercent,omitzero"`
	// Least stock an item must have.
	MinStock Quantity `json:"minStock,omitzero"`
	// Whether a price under cost may be published.
	AllowBelowCost *bool `json:"allowBelowCost,omitzero"`
}

// PromotionItem is one product with its prices.
type PromotionItem struct {
	// The product.
	Product ProductReference `json:"product"`
	// Price before the promotion.
	BasePrice Decimal `json:"basePrice,omitzero"`
	// Price within the promotion.
	PromoPrice Decimal `json:"promoPrice,omitzero"`
	// Cost that the margin was checked against.
	Cost Decimal `json:"cost,omitzero"`
	// Tax category.
	TaxCode string `json:"taxCode,omitzero"`
	// Channels it is published on; absent for all of the promotion.
	Channels []Channel `json:"channels,omitzero"`
}

// RemovedItem is one item left out.
type RemovedItem struct {
	// The product.
	Product ProductReference `json:"product"`
	// Channel it was left out of; absent for all.
	Channel Channel `json:"channel,omitzero"`
	// Region it was left out of; absent for all.
	Region string `json:"region,omitzero"`
	// Why it was left out.
	Reason RemovedItemReason `json:"reason"`
	// What was found, in words.
	Detail string `json:"detail,omitzero"`
	// Name of the rule that removed it.
	Rule string `json:"rule,omitzero"`
	// When it was removed.
	At time.Time `json:"at"`
	// Person, when a person decided.
	DecidedBy string `json:"decidedBy,omitzero"`
}

// PromotionScheduleBasis is one of the constants below. absolute uses start and
// end everywhere at once; location-local uses localStart and localEnd by each
// store's own clock.
type PromotionScheduleBasis string

// The values of PromotionScheduleBasis.
const (
	PromotionScheduleBasisAbsolute      PromotionScheduleBasis = "absolute"
	PromotionScheduleBasisLocationLocal PromotionScheduleBasis = "location-local"
)

// ConditionKind is one of the constants below. What is tested.
type ConditionKind string

// The values of ConditionKind.
const (
	ConditionKindMinQuantity     ConditionKind = "min-quantity"
	ConditionKindMinAmount       ConditionKind = "min-amount"
	ConditionKindCoupon          ConditionKind = "coupon"
	ConditionKindCustomerSegment ConditionKind = "customer-segment"
	ConditionKindFirstOrder      ConditionKind = "first-order"
	ConditionKindTender          ConditionKind = "tender"
	ConditionKindBasketContains  ConditionKind = "basket-contains"
)

// RewardKind is one of the constants below. What is given.
type RewardKind string

// The values of RewardKind.
const (
	RewardKindPercentOff   RewardKind = "percent-off"
	RewardKindAmountOff    RewardKind = "amount-off"
	RewardKindFixedPrice   RewardKind = "fixed-price"
	RewardKindBuyXGetY     RewardKind = "buy-x-get-y"
	RewardKindFreeShipping RewardKind = "free-shipping"
	RewardKindGift         RewardKind = "gift"
	RewardKindPoints       RewardKind = "points"
)

// RewardTarget is one of the constants below. What the reduction applies to.
type RewardTarget string

// The values of RewardTarget.
const (
	RewardTargetItem     RewardTarget = "item"
	RewardTargetCheapest RewardTarget = "cheapest"
	RewardTargetOrder    RewardTarget = "order"
	RewardTargetShipping RewardTarget = "shipping"
)

// RewardRounding is one of the constants below. How the reduced price is
// rounded.
type RewardRounding string

// The values of RewardRounding.
const (
	RewardRoundingHalfUp   RewardRounding = "half-up"
	RewardRoundingHalfEven RewardRounding = "half-even"
	RewardRoundingDown     RewardRounding = "down"
)

// RemovedItemReason is one of the constants below. Why it was left out.
type RemovedItemReason string

// The values of RemovedItemReason.
const (
	RemovedItemReasonDiscontinued RemovedItemReason = "discontinued"
	RemovedItemReasonBlocked      RemovedItemReason = "blocked"
	RemovedItemReasonNotListed    RemovedItemReason = "not-listed"
	RemovedItemReasonTaxMissing   RemovedItemReason = "tax-missing"
	RemovedItemReasonMargin       RemovedItemReason = "margin"
	RemovedItemReasonStock        RemovedItemReason = "stock"
	RemovedItemReasonUnknownItem  RemovedItemReason = "unknown-item"
	RemovedItemReasonPriceMissing RemovedItemReason = "price-missing"
)
