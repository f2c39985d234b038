package shape

import "github.com/crossdock/crossdock/connectors/edi/syntax"

// places say where the members of the envelope stand.
type places struct{ interchange, sender, receiver, group, set map[string]string }

var (
	x12Places = places{
		interchange: map[string]string{
			"control_number": "ISA13", "version": "ISA12", "usage": "ISA15", "date": "ISA09", "time": "ISA10", "ack_requested": "ISA14",
		},
		sender:   map[string]string{"qualifier": "ISA05", "id": "ISA06"},
		receiver: map[string]string{"qualifier": "ISA07", "id": "ISA08"},
		group: map[string]string{
			"functional_id": "GS01", "sender": "GS02", "receiver": "GS03", "date": "GS04", "time": "GS05", "control_number": "GS06", "agency": "GS07", "version": "GS08",
		},
		set: map[string]string{"set": "ST01", "control_number": "ST02"},
	}
	edifactPlaces = places{
		interchange: map[string]string{
			"control_number": "UNB05", "version": "UNB01", "usage": "UNB11", "date": "UNB04-1", "time": "UNB04-2", "ack_requested": "UNB09",
		},
		sender:   map[string]string{"id": "UNB02-1", "qualifier": "UNB02-2"},
		receiver: map[string]string{"id": "UNB03-1", "qualifier": "UNB03-2"},
		group: map[string]string{
			"functional_id": "UNG01", "sender": "UNG02-1", "receiver": "UNG03-1", "date": "UNG04-1", "time": "UNG04-2", "control_number": "UNG05", "agency": "UNG06", "version": "UNG07",
		},
		set: map[string]string{"set": "UNH02-1", "control_number": "UNH01", "association": "UNH02-5"},
	}
)

// texts are members that are text; at says where they stand, as far as they have
// an element of their own.
func texts(at map[string]string, names ...string) map[string]any {
	out := map[string]any{}
	for _, n := range names {
		out[n] = placed(textType(), at[n])
	}
	return out
}

func placed(schema map[string]any, at string) map[string]any {
	if at != "" {
		schema["x-edi"] = at
	}
	return schema
}

// envelopeSchema is what stands around the set.
func envelopeSchema(std syntax.Standard) map[string]any {
	at := x12Places
	if std == syntax.EDIFACT {
		at = edifactPlaces
	}
	flag := func() map[string]any { return map[string]any{"type": "boolean"} }
	ic := texts(at.interchange, "standard", "control_number", "version", "usage", "date", "time", "charset")
	ic["sender"] = object(texts(at.sender, "qualifier", "id"), "id")
	ic["receiver"] = object(texts(at.receiver, "qualifier", "id"), "id")
	ic["ack_requested"] = placed(flag(), at.interchange["ack_requested"])
	ic["una"], ic["header"] = flag(), listOf(textType())
	ic["separators"] = object(texts(nil, "segment", "element", "component", "repetition", "release", "decimal", "suffix"))
	group := texts(at.group, "functional_id", "sender", "receiver", "control_number", "version", "date", "time", "agency")
	group["header"] = listOf(textType())
	set := texts(at.set, "set", "control_number", "release", "association")
	set["rejected"], set["last"], set["part"], set["header"] = flag(), flag(), map[string]any{"type": "integer"}, listOf(textType())
	return map[string]any{
		"interchange": object(ic, "sender", "receiver", "control_number"),
		"group":       object(group),
		"transaction": object(set, "set", "control_number"),
	}
}
