package clients

import (
	"regexp"
	"strings"
	"sync"

	"github.com/stagedoor-app/stagedoor/auth/migrate"
)

// shapes are how the tokens of services look that can be nothing else: what begins them,
// which may be shown, what follows, and what they are.
var shapes = []struct{ begins, follows, what string }{
	{`gh[pousr]_`, `[A-Za-z0-9]{20,}`, "GitHub token"},
	{`github_pat_`, `[A-Za-z0-9_]{20,}`, "GitHub token"},
	{`gl(?:pat|oas|dt|rt|ptt|ft|cbt|imt|soat)-`, `[A-Za-z0-9_.-]{16,}`, "GitLab token"},
	{`xox[abeoprs](?:\.xox[bp])?-`, `[A-Za-z0-9-]{10,}`, "Slack token"},
	{`xapp-`, `[A-Za-z0-9-]{10,}`, "Slack app token"},
	{`sk-ant-`, `[A-Za-z0-9_-]{20,}`, "Anthropic API key"},
	{`sk-or-`, `[A-Za-z0-9_-]{20,}`, "OpenRouter API key"},
	{`sk-`, `[A-Za-z0-9_-]{20,}`, "API key as of OpenAI"},
	{`ntn_`, `[A-Za-z0-9]{20,}`, "Notion token"},
	{`secret_`, `[A-Za-z0-9]{32,}`, "Notion token"},
	{`lin_(?:api|oauth)_`, `[A-Za-z0-9]{20,}`, "Linear API key"},
	{`AIza`, `[A-Za-z0-9_-]{30,}`, "Google API key"},
	{`GOCSPX-`, `[A-Za-z0-9_-]{20,}`, "Google client secret"},
	{`ya29\.`, `[A-Za-z0-9_-]{20,}`, "Google access token"},
	{`(?:AKIA|ASIA)`, `[A-Z0-9]{16}`, "AWS access key"},
	{`SG\.`, `[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`, "SendGrid API key"},
	{`fig[du]_`, `[A-Za-z0-9_-]{20,}`, "Figma token"},
	{`pat-(?:na|eu|ap)[0-9]-`, `[0-9a-f-]{30,}`, "HubSpot token"},
	{`[sr]k_(?:live|test)_`, `[A-Za-z0-9]{16,}`, "Stripe key"},
	{`whsec_`, `[A-Za-z0-9+/=]{20,}`, "webhook secret"},
	{`npm_`, `[A-Za-z0-9]{30,}`, "npm token"},
	{`pypi-`, `[A-Za-z0-9_-]{30,}`, "PyPI token"},
	{`hf_`, `[A-Za-z0-9]{20,}`, "Hugging Face token"},
	{`ATATT3`, `[A-Za-z0-9_=-]{20,}`, "Atlassian API token"},
	{`sntry[su]_`, `[A-Za-z0-9_=+/-]{20,}`, "Sentry token"},
	{`pat`, `[A-Za-z0-9]{14}\.[0-9a-f]{32,}`, "Airtable token"},
	{`sb[ps]_`, `[A-Za-z0-9_]{30,}`, "Supabase token"},
	{`dop_v1_`, `[0-9a-f]{40,}`, "DigitalOcean token"},
	{`dapi`, `[0-9a-f]{32,}`, "Databricks token"},
	{`gl(?:c|sa)_`, `[A-Za-z0-9_=+/-]{20,}`, "Grafana token"},
	{`gsk_`, `[A-Za-z0-9]{30,}`, "Groq API key"},
	{`xai-`, `[A-Za-z0-9]{30,}`, "xAI API key"},
	{`pplx-`, `[A-Za-z0-9]{30,}`, "Perplexity API key"},
	{`tvly-`, `[A-Za-z0-9-]{20,}`, "Tavily API key"},
	{`fc-`, `[0-9a-f]{32}`, "Firecrawl API key"},
	{`r8_`, `[A-Za-z0-9]{30,}`, "Replicate token"},
	{`shp(?:at|ss|ca|pa)_`, `[0-9a-fA-F]{32}`, "Shopify token"},
	{`dckr_pat_`, `[A-Za-z0-9_-]{20,}`, "Docker token"},
	{`PMAK-`, `[0-9a-f]{20,}-[0-9a-f]{30,}`, "Postman API key"},
	{`BSA`, `[A-Za-z0-9_-]{27,}`, "Brave API key"},
	{``, `[0-9]{8,10}:AA[A-Za-z0-9_-]{33}`, "Telegram bot token"},
	{``, `[MNO][A-Za-z0-9_-]{23,}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}`, "Discord bot token"},
	{`AGE-SECRET-KEY-1`, `[A-Z0-9]{40,}`, "age key"},
	{`eyJ`, `[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`, "JSON Web Token"},
	{`-----BEGIN (?:[A-Z]+ )*PRIVATE KEY`, `-----`, "private key"},
}

var shapeForms = sync.OnceValue(func() (forms []*regexp.Regexp) {
	for _, s := range shapes {
		forms = append(forms, regexp.MustCompile(`(?:^|[^A-Za-z0-9_-])(`+s.begins+`)(`+s.follows+`)(?:$|[^A-Za-z0-9_-])`))
	}
	return forms
})

// Shape says which service's token is in a text, and how that begins: what is "" if no
// known one is. A token that an example made up is none.
func Shape(s string) (what, begins string) {
	if len(s) > longLine {
		return "", ""
	}
	for i, form := range shapeForms() {
		m := form.FindStringSubmatch(s)
		if m == nil || !strings.HasPrefix(m[2], "-") && (migrate.Placeholder(m[2]) || entropy(m[2]) < 2) {
			continue
		}
		return shapes[i].what, m[1]
	}
	return "", ""
}
