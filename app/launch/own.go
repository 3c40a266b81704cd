package launch

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

const example = `for example {"name": "My server", "env": ["API_TOKEN={access_token}"]}; stagedoor recipes tidal-mcp --json shows more`

// maxRecipe is far more than a recipe needs, in bytes.
const maxRecipe = 64 << 10

var recipeID = text.Pattern(`^[a-z0-9][a-z0-9-]{0,39}$`)

// OwnRecipes returns the user's recipes, the files ID.json in a folder, and what is
// wrong with others. The folder may be one that other programs write, and a recipe
// says where a token goes: so its ID is ID@DIGEST, by which alone it is used.
func OwnRecipes(dir string) (own []Recipe, wrong []error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		wrong = append(wrong, err)
	}
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".json"); !ok {
			continue
		} else if r, err := readOwn(dir, id); err != nil {
			wrong = append(wrong, err)
		} else {
			own = append(own, r)
		}
	}
	return own, wrong
}

// readOwn reads strictly. A recipe of the user's starts no program, and none is
// recognised by its command.
func readOwn(dir, id string) (r Recipe, err error) {
	path := filepath.Join(dir, id+".json")
	data, err := durable.ReadLinked(path, maxRecipe)
	if err != nil {
		return r, hint.Wrap(err, cmp.Or(hint.Of(err), example))
	}
	err = json.Unmarshal(data, &r, json.RejectUnknownMembers(true))
	var meaning *json.SemanticError
	switch {
	case errors.As(err, &meaning) && meaning.Err != nil:
		err = fmt.Errorf("%s: %w", meaning.JSONPointer, meaning.Err)
	case err != nil:
	case !recipeID().MatchString(id):
		err = errors.New("the name must be of lower-case letters, digits and -, before .json")
	case slices.ContainsFunc(Recipes(), func(built Recipe) bool { return built.ID == id }):
		err = errors.New("there is a built-in recipe of that name")
	case r.ID != "" && r.ID != id:
		err = fmt.Errorf("the id is %q", r.ID)
	case r.Command != nil || r.Match != nil:
		err = errors.New("a recipe of your own has no command and no match: put the command behind --")
	case len(r.Env)+len(r.Files) == 0:
		err = errors.New("it delivers nothing")
	}
	if err != nil {
		return r, hint.Wrap(fmt.Errorf("%s: %w", path, err), cmp.Or(hint.Of(err), example))
	}
	digest := sha256.Sum256(data)
	r.ID = fmt.Sprintf("%s@%x", id, digest[:16])
	return r, nil
}

// LookupRecipe returns the built-in recipe with that id, or the one in dir with that
// id and digest.
func LookupRecipe(dir, id string) (Recipe, error) {
	all := Recipes()
	ids := make([]string, len(all))
	for i, r := range all {
		if ids[i] = r.ID; r.ID == id {
			return r, nil
		}
	}
	name, digest, named := strings.Cut(id, "@")
	if r, err := readOwn(dir, name); recipeID().MatchString(name) && !errors.Is(err, fs.ErrNotExist) {
		switch {
		case err != nil || r.ID == id:
			return r, err
		case named && digest != "":
			err = fmt.Errorf("the recipe %s was changed", name)
		default:
			err = fmt.Errorf("%s is a recipe of your own, which is named with its digest", name)
		}
		return Recipe{}, hint.Wrap(err, "look at it with stagedoor recipes "+name+"; if it says what you want, it is --as "+r.ID)
	}
	advice := "see stagedoor recipes, or say what the server reads with --env NAME={access_token}"
	if near := hint.Nearest(id, ids); near != "" {
		advice = "did you mean " + near + "? Or " + advice
	}
	return Recipe{}, hint.Wrap(fmt.Errorf("there is no recipe %q", id), advice)
}
