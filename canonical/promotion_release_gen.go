// Code generated from v1/promotion-release.json by go generate; DO NOT EDIT.

package canonical

import "time"

// PromotionRelease is one attempt to put one version of a promotion live on all
// its channels: the acknowledgement matrix.
type PromotionRelease struct {
	// Name and version of the schema, such as promotion-release/1.0. The minor
	// version only ever adds.
	Schema string `json:"schema"`
	// Canonical id of the promotion release: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the promotion release, from 1; a lower or
	// equal version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the promotion
	// release.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the promotion release no longer exists; the document is then its
	// tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// The promotion.
	PromotionID CanonicalID `json:"promotionId"`
	// The version that is released.
	PromotionVersion int64 `json:"promotionVersion"`
	// What happens when a channel does not confirm. all-or-quarantine revokes it
	// everywhere.
	Policy PromotionReleasePolicy `json:"policy"`
	// Where the release stands.
	State PromotionReleaseState `json:"state"`
	// When it is to go live.
	ActivateAt time.Time `json:"activateAt,omitzero"`
	// Until when required channels must confirm.
	AckDeadline time.Time `json:"ackDeadline"`
	// Version that a rollback restores.
	PreviousVersion *int64 `json:"previousVersion,omitzero"`
	// SHA-256 of the published items; a channel's acknowledgement is for exactly
	// this.
	ContentHash string `json:"contentHash,omitzero"`
	// Number of items published.
	ItemCount *int64 `json:"itemCount,omitzero"`
	// What each channel answered.
	Channels []ReleaseChannel `json:"channels"`
	// What people decided, in time order.
	Decisions []ReleaseDecision `json:"decisions,omitzero"`
	// Fields of partners or sites that the promotion release does not have, by
	// namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// PromotionReleasePolicy is one of the constants below. What happens when a
// channel does not confirm. all-or-quarantine revokes it everywhere.
type PromotionReleasePolicy string

// The values of PromotionReleasePolicy.
const (
	PromotionReleasePolicyAllOrQuarantine PromotionReleasePolicy = "all-or-quarantine"
	PromotionReleasePolicyBestEffort      PromotionReleasePolicy = "best-effort"
	PromotionReleasePolicyRequiredOnly    PromotionReleasePolicy = "required-only"
)

// PromotionReleaseState is one of the constants below. Where the release
// stands.
type PromotionReleaseState string

// The values of PromotionReleaseState.
const (
	PromotionReleaseStateValidating  PromotionReleaseState = "validating"
	PromotionReleaseStatePublishing  PromotionReleaseState = "publishing"
	PromotionReleaseStateWaitingAcks PromotionReleaseState = "waiting-acks"
	PromotionReleaseStateActive      PromotionReleaseState = "active"
	PromotionReleaseStateQuarantined PromotionReleaseState = "quarantined"
	PromotionReleaseStateRollingBack PromotionReleaseState = "rolling-back"
	PromotionReleaseStateRolledBack  PromotionReleaseState = "rolled-back"
	PromotionReleaseStateFailed      PromotionReleaseState = "failed"
)

// ReleaseChannel is one channel of the matrix.
type ReleaseChannel struct {
	// The channel.
	Channel Channel `json:"channel"`
	// Whether the release fails without it.
	Required bool `json:"required"`
	// What the channel answered.
	State ReleaseChannelState `json:"state"`
	// When it was sent.
	SentAt time.Time `json:"sentAt,omitzero"`
	// When it answered.
	AckAt time.Time `json:"ackAt,omitzero"`
	// How often it was sent.
	Attempts *int64 `json:"attempts,omitzero"`
	// The channel's own reference.
	ExternalRef string `json:"externalRef,omitzero"`
	// Content hash that the channel confirmed.
	AckedHash string `json:"ackedHash,omitzero"`
	// What the channel complained about.
	Errors []DocumentError `json:"errors,omitzero"`
	// Number of items it took.
	ItemsAccepted *int64 `json:"itemsAccepted,omitzero"`
	// Number of items it refused.
	ItemsRejected *int64 `json:"itemsRejected,omitzero"`
}

// ReleaseDecision is one decision.
type ReleaseDecision struct {
	// When.
	At time.Time `json:"at"`
	// Who.
	By string `json:"by"`
	// What was decided.
	Action ReleaseDecisionAction `json:"action"`
	// Why.
	Note string `json:"note,omitzero"`
}

// ReleaseChannelState is one of the constants below. What the channel answered.
type ReleaseChannelState string

// The values of ReleaseChannelState.
const (
	ReleaseChannelStatePending      ReleaseChannelState = "pending"
	ReleaseChannelStateSent         ReleaseChannelState = "sent"
	ReleaseChannelStateAccepted     ReleaseChannelState = "accepted"
	ReleaseChannelStateRejected     ReleaseChannelState = "rejected"
	ReleaseChannelStateTimedOut     ReleaseChannelState = "timed-out"
	ReleaseChannelStateRevoked      ReleaseChannelState = "revoked"
	ReleaseChannelStateRevokeFailed ReleaseChannelState = "revoke-failed"
)

// ReleaseDecisionAction is one of the constants below. What was decided.
type ReleaseDecisionAction string

// The values of ReleaseDecisionAction.
const (
	ReleaseDecisionActionRetryChannel   ReleaseDecisionAction = "retry-channel"
	ReleaseDecisionActionDropChannel    ReleaseDecisionAction = "drop-channel"
	ReleaseDecisionActionForceActivate  ReleaseDecisionAction = "force-activate"
	ReleaseDecisionActionRollback       ReleaseDecisionAction = "rollback"
	ReleaseDecisionActionExtendDeadline ReleaseDecisionAction = "extend-deadline"
)
