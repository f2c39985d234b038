// Package conformance is the suite that every connector passes, whatever
// language it is written in.
//
// A connector's own tests say that it speaks to its system rightly. This suite
// says that it keeps the promises of the protocol on which the core relies:
// nothing acknowledged is lost, nothing unacknowledged is forgotten, the same
// event keeps its id, one effect is made once, wrong configuration is refused
// with the field at fault, and a process whose host is gone ends.
//
// The suite plays the host. It runs a connector in this process (Target.Plugin)
// or as the process it will be (Target.Command), talks to it over the protocol
// alone, and sees the other side only through the hooks of Source, Sink and
// Call. Every check gets a fresh other side and a fresh plugin:
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, conformance.Target{
//			Plugin: Connector(),
//			Sink: func(t testing.TB) conformance.Sink {
//				dir := t.TempDir()
//				return conformance.Sink{
//					Config:  map[string]any{"dir": dir},
//					Effects: func() int { return countFiles(t, dir) },
//				}
//			},
//		})
//	}
//
// README.md in the parent directory lists the checks.
package conformance
