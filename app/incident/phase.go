package incident

import (
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Phase is what the policy wants done by a time.
type Phase struct {
	Name  string
	By    time.Time // UTC; zero for the last one
	Steps []Step
}

// Step is a line of a checklist. Done comes from the log, or from the status that
// the user gave the incident.
type Step struct {
	Text string
	Done bool
}

// rule is a step as the policy has it: done when one of the events came after
// the beginning, or, without events, when the incident has that status.
type rule struct {
	text   string
	events []string
	status auth.IncidentStatus
}

// phases are the checklists of the security policy.
var phases = []struct {
	name  string
	steps []rule
}{
	{"0 to 1 hour: contain", []rule{
		{"Revoke the logins: `stagedoor revoke PROFILE` or `--all`, and read whether the provider confirmed it", []string{audit.TokensRevoked, audit.ProfileDeleted}, ""},
		{"Quit the MCP clients: running servers have an access token", nil, auth.Contained},
		{"Assess what the accounts can reach, and tell who is responsible", nil, auth.Contained},
		{"Begin the documentation", []string{audit.IncidentOpened}, ""},
	}},
	{"1 to 24 hours: preserve and repair", []rule{
		{"Preserve the evidence: `stagedoor audit export --format bundle -o incident.zip`", []string{audit.LogExported}, ""},
		{"Replace the client secret: `stagedoor secret rotate PROFILE`", []string{audit.CredentialStored, audit.CredentialRotated}, ""},
		{"Sign in again and look at the account's name: `stagedoor login PROFILE`", []string{audit.LoginSucceeded}, ""},
		{"Tell affected users, if that is required", nil, auth.Resolved},
	}},
	{"After 24 hours: learn", []rule{
		{"Find the cause and mend it", nil, auth.Resolved},
		{"Review what happened, and update the policy", nil, auth.Resolved},
		{"Close the incident: `stagedoor incident close ID --note \"…\"`", nil, auth.Resolved},
	}},
}

// plan fills in the checklists.
func (r *Report) plan() {
	done := map[string]bool{audit.IncidentOpened: true}
	for _, e := range slices.Concat(r.Containment, r.Remediation, r.Prevention) {
		if e.name != audit.LogExported || e.Data == "format=bundle" { // a list of events proves nothing
			done[e.name] = true
		}
	}
	for n, p := range phases {
		phase := Phase{Name: p.name}
		if n < len(auth.IncidentPhases) {
			phase.By = r.Found.Add(auth.IncidentPhases[n].Until)
		}
		for _, s := range p.steps {
			ok := r.Status == auth.Resolved && s.status != "" || r.Status == s.status && s.status != ""
			for _, name := range s.events {
				ok = ok || done[name]
			}
			phase.Steps = append(phase.Steps, Step{s.text, ok})
		}
		r.Phases = append(r.Phases, phase)
	}
}
