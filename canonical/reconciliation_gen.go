// Code generated from v1/reconciliation.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Reconciliation is one run of one control that compares two systems.
type Reconciliation struct {
	// Name and version of the schema, such as reconciliation/1.0. The minor
	// version only ever adds.
	Schema string `json:"schema"`
	// Canonical id of the reconciliation: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the reconciliation, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the reconciliation.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the reconciliation no longer exists; the document is then its
	// tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// Name of the control.
	Name string `json:"name"`
	// Entity that is compared.
	Entity string `json:"entity"`
	// First system.
	Left System `json:"left"`
	// Second system.
	Right System `json:"right"`
	// Which part is compared.
	Window ReconciliationWindow `json:"window"`
	// Seconds that something may be on its way before it counts as missing.
	GraceSeconds *int64 `json:"graceSeconds,omitzero"`
	// Result of the run.
	State ReconciliationState `json:"state"`
	// Counts and sums of both sides.
	Totals ReconciliationTotals `json:"totals"`
	// What does not agree.
	Differences []Difference `json:"differences,omitzero"`
	// Fields of partners or sites that the reconciliation does not have, by
	// namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// ReconciliationWindow says which part is compared.
type ReconciliationWindow struct {
	// Start, inclusive.
	From time.Time `json:"from"`
	// End, exclusive.
	To time.Time `json:"to"`
	// Field that the window is about, such as placedAt.
	By string `json:"by,omitzero"`
}

// ReconciliationState is one of the constants below. Result of the run.
type ReconciliationState string

// The values of ReconciliationState.
const (
	ReconciliationStateRunning     ReconciliationState = "running"
	ReconciliationStateBalanced    ReconciliationState = "balanced"
	ReconciliationStateDifferences ReconciliationState = "differences"
	ReconciliationStateFailed      ReconciliationState = "failed"
)

// ReconciliationTotals holds counts and sums of both sides.
type ReconciliationTotals struct {
	// Documents in the first system.
	LeftCount int64 `json:"leftCount"`
	// Documents in the second system.
	RightCount int64 `json:"rightCount"`
	// Sum of amounts in the first system.
	LeftValue Decimal `json:"leftValue,omitzero"`
	// Sum of amounts in the second system.
	RightValue Decimal `json:"rightValue,omitzero"`
	// Currency of the sums.
	Currency Currency `json:"currency,omitzero"`
	// Number of groups whose hashes were compared.
	BucketsCompared *int64 `json:"bucketsCompared,omitzero"`
	// Number of groups that differed.
	BucketsDifferent *int64 `json:"bucketsDifferent,omitzero"`
}

// Difference is one thing that does not agree.
type Difference struct {
	// Business key of the document, such as the order number.
	Key string `json:"key"`
	// What kind of difference it is.
	Class DifferenceClass `json:"class"`
	// What the first system says.
	Left any `json:"left,omitzero"`
	// What the second system says.
	Right any `json:"right,omitzero"`
	// Field that differs.
	Field string `json:"field,omitzero"`
	// Seconds since it was first seen.
	AgeSeconds *int64 `json:"ageSeconds,omitzero"`
	// What became of it.
	State DifferenceState `json:"state"`
	// What is to be done.
	Action DifferenceAction `json:"action,omitzero"`
	// Flow that the document belongs to.
	CorrelationID string `json:"correlationId,omitzero"`
	// Person or team it is assigned to.
	Owner string `json:"owner,omitzero"`
}

// DifferenceClass is one of the constants below. What kind of difference it is.
type DifferenceClass string

// The values of DifferenceClass.
const (
	DifferenceClassMissingRight   DifferenceClass = "missing-right"
	DifferenceClassMissingLeft    DifferenceClass = "missing-left"
	DifferenceClassValue          DifferenceClass = "value"
	DifferenceClassStatus         DifferenceClass = "status"
	DifferenceClassDuplicateLeft  DifferenceClass = "duplicate-left"
	DifferenceClassDuplicateRight DifferenceClass = "duplicate-right"
	DifferenceClassLate           DifferenceClass = "late"
)

// DifferenceState is one of the constants below. What became of it.
type DifferenceState string

// The values of DifferenceState.
const (
	DifferenceStateOpen      DifferenceState = "open"
	DifferenceStateInFlight  DifferenceState = "in-flight"
	DifferenceStateAutoFixed DifferenceState = "auto-fixed"
	DifferenceStateAssigned  DifferenceState = "assigned"
	DifferenceStateAccepted  DifferenceState = "accepted"
)

// DifferenceAction is one of the constants below. What is to be done.
type DifferenceAction string

// The values of DifferenceAction.
const (
	DifferenceActionNone   DifferenceAction = "none"
	DifferenceActionReplay DifferenceAction = "replay"
	DifferenceActionPost   DifferenceAction = "post"
	DifferenceActionCancel DifferenceAction = "cancel"
	DifferenceActionAdjust DifferenceAction = "adjust"
	DifferenceActionIgnore DifferenceAction = "ignore"
)
