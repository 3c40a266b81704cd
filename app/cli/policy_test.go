package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Whoever reports a hole must find an address that is read, and a policy that
// somebody looked at within the year.
func TestPolicyIsReviewedAndCanBeReached(t *testing.T) {
	policy, txt := read(t, "../../SECURITY.md"), read(t, "../../.well-known/security.txt")
	for _, problem := range policyProblems(policy, txt, time.Now()) {
		t.Error(problem)
	}

	// The check itself, on days to come and on files that somebody forgot to change.
	today := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		what, policy, txt string
		now               time.Time
		want              string
	}{
		{"a review that is over", policy, txt, time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), "SECURITY.md was to be reviewed by"},
		{"the day of the future", policy, txt, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "in the future"},
		{"no review", strings.Replace(policy, "**Next review**", "**Some day**", 1), txt, today, "Next review"},
		{"a review in ten years", regexp.MustCompile(`(Next review\*\*: )20..`).ReplaceAllString(policy, "${1}2099"), txt, today, "more than a year"},
		{"no version", strings.Replace(policy, "**Policy version**", "**Version of it**", 1), txt, today, "Policy version"},
		{"another address", policy, strings.Replace(txt, "Contact: https://", "Contact: https://not-", 1), today, "Contact"},
		{"no end", policy, strings.Replace(txt, "Expires:", "# Expires:", 1), today, "Expires"},
		{"an end after the review", policy, regexp.MustCompile(`(Expires: )20..`).ReplaceAllString(txt, "${1}2099"), today, "Expires"},
		{"a field twice", policy, txt + "Expires: 2027-01-01T00:00:00Z\n", today, "Expires"},
	} {
		problems := policyProblems(tt.policy, tt.txt, tt.now)
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, tt.want) }) {
			t.Errorf("%s: %q, want one with %q", tt.what, problems, tt.want)
		}
	}
}

// policyProblems are what is wrong with the dates and addresses at a time.
func policyProblems(policy, txt string, now time.Time) (problems []string) {
	complain := func(wrong bool, words string) {
		if wrong {
			problems = append(problems, words)
		}
	}
	facts := map[string]string{}
	for _, fact := range policyFacts(policy) {
		facts[fact[0]] = fact[1]
	}
	updated, err := time.Parse(time.DateOnly, facts["Last updated"])
	complain(err != nil, "SECURITY.md does not say when it was last updated: Last updated")
	complain(updated.After(now), "SECURITY.md was last updated in the future")
	review, err := time.Parse(time.DateOnly, facts[nextReview])
	complain(err != nil, "SECURITY.md has no date of its Next review")
	complain(review.After(updated.AddDate(1, 0, 0)), "the next review of SECURITY.md is more than a year after the last")
	complain(now.After(review), "SECURITY.md was to be reviewed by "+facts[nextReview]+
		": read it, mend what is no longer so, then set its dates, its version and Expires in .well-known/security.txt anew")
	complain(facts["Policy version"] == "", "SECURITY.md has no Policy version")

	// RFC 9116, section 2.5: https only, exactly one Expires, less than a year ahead.
	fields := map[string][]string{}
	for line := range strings.Lines(txt) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ": "); ok && !strings.HasPrefix(line, "#") {
			fields[name] = append(fields[name], value)
		}
	}
	complain(facts["Contact"] == "" || !slices.Equal(fields["Contact"], []string{facts["Contact"]}), "security.txt has another Contact than SECURITY.md")
	complain(!strings.HasPrefix(facts["Contact"], "https://"), "the Contact is no https address")
	if ends := fields["Expires"]; len(ends) != 1 {
		complain(true, "security.txt has not one Expires")
	} else {
		end, err := time.Parse(time.RFC3339, ends[0])
		complain(err != nil || end.After(review) || now.After(end), "security.txt has an Expires that is no time, is over or is after the next review of SECURITY.md: "+ends[0])
	}
	return problems
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
