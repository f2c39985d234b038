package filedrop

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// hostKeys is what is known of a server before the first connection.
type hostKeys struct {
	fingerprints map[string]bool // "SHA256:..."
	keys         []ssh.PublicKey
	file         ssh.HostKeyCallback
	fileName     string
}

// parseHostKeys reads fingerprints ("SHA256:…"), public keys ("ssh-ed25519
// AAAA…"), known_hosts lines ("host ssh-ed25519 AAAA…") and a known_hosts
// file. At least one must be given: there is no "trust on first use", because
// the first use is when an impostor gains most.
func parseHostKeys(entries []string, knownHostsFile string) (*hostKeys, error) {
	known := &hostKeys{fingerprints: map[string]bool{}, fileName: knownHostsFile}
	var problems []error
	for i, entry := range entries {
		if err := known.add(strings.TrimSpace(entry)); err != nil {
			problems = append(problems, &sdk.Error{
				Class: sdk.BadConfig, Code: "sftp.hostkey.syntax", Field: fmt.Sprintf("/hostKeys/%d", i), Err: err,
				Hint: "write SHA256:… as printed by ssh-keygen -lf, or a line of ssh-keyscan",
			})
		}
	}
	if knownHostsFile != "" {
		callback, err := knownhosts.New(knownHostsFile)
		if err != nil {
			problems = append(problems, &sdk.Error{
				Class: sdk.BadConfig, Code: "sftp.knownhosts", Field: "/knownHosts", Err: err,
				Hint: "write one with: ssh-keyscan -p PORT HOST > FILE, and compare it with what the partner told you",
			})
		}
		known.file = callback
	}
	return known, errors.Join(problems...)
}

func (k *hostKeys) add(entry string) error {
	switch {
	case entry == "":
		return errors.New("the host key is empty")
	case strings.HasPrefix(entry, "SHA256:"):
		sum, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(entry, "SHA256:"), "="))
		if err != nil || len(sum) != 32 {
			return fmt.Errorf("%q is not the SHA-256 fingerprint of a key (43 base64 characters after \"SHA256:\")", entry)
		}
		k.fingerprints["SHA256:"+base64.RawStdEncoding.EncodeToString(sum)] = true
		return nil
	case strings.HasPrefix(entry, "MD5:"):
		return errors.New("MD5 fingerprints are not accepted: they can be forged")
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(entry)); err == nil {
		k.keys = append(k.keys, key)
		return nil
	}
	marker, _, key, _, _, err := ssh.ParseKnownHosts([]byte(entry))
	if err != nil {
		return fmt.Errorf("cannot read the host key %.60q: %w", entry, err)
	}
	if marker != "" {
		return fmt.Errorf("the marker @%s is understood in a knownHosts file only", marker)
	}
	k.keys = append(k.keys, key)
	return nil
}

// UnknownHostKeyError is returned when a server presents a key that the
// configuration does not name.
type UnknownHostKeyError struct {
	Host string
	// Found is the fingerprint the server presented, with its key type.
	Found string
	// Changed says that another key of the same host is known: the server was
	// rebuilt, or someone stands between.
	Changed bool
}

func (e *UnknownHostKeyError) Error() string {
	if e.Changed {
		return fmt.Sprintf("the host key of %s is not the expected one: the server presented %s; "+
			"the server was replaced or someone intercepts the connection; "+
			"ask the partner by another channel before changing hostKeys", e.Host, e.Found)
	}
	return fmt.Sprintf("the host key of %s is unknown: the server presented %s; "+
		"compare it with what the partner told you, then add it to hostKeys", e.Host, e.Found)
}

// verify is an ssh.HostKeyCallback.
func (k *hostKeys) verify(hostname string, remote net.Addr, key ssh.PublicKey) error {
	found := ssh.FingerprintSHA256(key)
	if k.fingerprints[found] {
		return nil
	}
	for _, known := range k.keys {
		if bytes.Equal(known.Marshal(), key.Marshal()) {
			return nil
		}
	}
	changed := len(k.fingerprints)+len(k.keys) > 0
	if k.file != nil {
		err := k.file(hostname, remote, key)
		if err == nil {
			return nil
		}
		var mismatch *knownhosts.KeyError
		if !errors.As(err, &mismatch) {
			return fmt.Errorf("%s: %w", k.fileName, err) // revoked, or unreadable
		}
		changed = changed || len(mismatch.Want) > 0
	}
	return &UnknownHostKeyError{Host: hostname, Found: found + " (" + key.Type() + ")", Changed: changed}
}

// algorithmGroups are tried in turn when the server's preferred key is not
// the one we know: a server has one key per group and presents the first that
// both sides speak.
func algorithmGroups() [][]string {
	return [][]string{
		nil, // the library's order
		{ssh.KeyAlgoED25519},
		{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
		{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
	}
}

// readKey parses a private key in PEM or OpenSSH form.
func readKey(pem, passphrase string) (ssh.Signer, error) {
	var signer ssh.Signer
	var err error
	if passphrase != "" {
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(pem), []byte(passphrase))
	} else {
		signer, err = ssh.ParsePrivateKey([]byte(pem))
	}
	var missing *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return signer, nil
	case errors.As(err, &missing):
		return nil, &sdk.Error{Class: sdk.BadConfig, Code: "sftp.key.passphrase", Field: "/passphrase", Err: errors.New("the private key is encrypted and no passphrase is set")}
	default:
		hint := "privateKey is the key itself: ${file:/path/to/id_ed25519}"
		if _, statErr := os.Stat(pem); statErr == nil {
			hint = "privateKey names a file; write ${file:" + pem + "}"
		}
		return nil, &sdk.Error{Class: sdk.BadConfig, Code: "sftp.key.syntax", Field: "/privateKey", Err: fmt.Errorf("cannot read the private key: %w", err), Hint: hint}
	}
}
