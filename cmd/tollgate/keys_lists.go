package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"tollgate/api"
	"tollgate/client"
)

// listFlags change single entries of a key's lists.
type listFlags struct {
	Add    map[string]string `placeholder:"LIST=A,B" help:"Add entries to a list: tags=ci, allowed_models=o1,o3. A list that is null restricts nothing, and so takes none."`
	Remove map[string]string `placeholder:"LIST=A,B" help:"Take entries out of a list. The last one is not taken out of one that restricts: set it to none."`
}

func (f listFlags) given() bool { return len(f.Add)+len(f.Remove) > 0 }

// keyList is a list of a key: as it is, and where a change of it is put.
type keyList struct {
	have []string
	put  *api.Optional[[]string]
}

func listsOf(k api.Key, in *api.KeyInput) map[string]keyList {
	return map[string]keyList{
		"tags":                {notNull(k.Tags), &in.Tags},
		"scopes":              {k.Scopes, &in.Scopes},
		"allowed_models":      {k.AllowedModels, &in.AllowedModels},
		"allowed_endpoints":   {k.AllowedEndpoints, &in.AllowedEndpoints},
		"allowed_ips":         {k.AllowedIPs, &in.AllowedIPs},
		"allowed_chatbots":    {k.AllowedChatbots, &in.AllowedChatbots},
		"allowed_providers":   {k.AllowedProviders, &in.AllowedProviders},
		"allowed_api_formats": {k.AllowedAPIFormats, &in.AllowedAPIFormats},
	}
}

func notNull(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// apply puts the lists of k, changed as the flags say, into in.
func (f listFlags) apply(k api.Key, in *api.KeyInput) error {
	lists := listsOf(k, in)
	for _, c := range []struct {
		flag  string
		named map[string]string
		with  func(list, entries []string) []string
	}{
		{"--add", f.Add, func(list, entries []string) []string { return append(without(list, entries), entries...) }},
		{"--remove", f.Remove, without},
	} {
		for _, name := range slices.Sorted(maps.Keys(c.named)) {
			list, ok := lists[strings.ReplaceAll(name, "-", "_")]
			switch {
			case !ok:
				return misuse("%s %s: there is no such list; there are %s", c.flag, name, strings.Join(slices.Sorted(maps.Keys(lists)), ", "))
			case list.have == nil:
				return misuse("%s %s: it is null, which allows everything; set the whole list instead", c.flag, name)
			}
			now, given := list.put.Get()
			if !given {
				now = list.have
			}
			*list.put = api.Set(c.with(now, strings.Split(c.named[name], ",")))
		}
	}
	return nil
}

// without is list without entries.
func without(list, entries []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(entries, s) })
}

// update changes single entries of the lists of a key as it is, and goes on from what
// somebody else has made of it meanwhile, unless a version was asked for.
func (c *keysUpdateCmd) update(ctx context.Context, cl *client.Client, in api.KeyInput) (api.Key, error) {
	for tries := 0; ; tries++ {
		k, err := cl.Key(ctx, c.ID)
		if err != nil {
			return api.Key{}, err
		}
		changed, version := in, k.Version
		if err := c.apply(k, &changed); err != nil {
			return api.Key{}, err
		}
		if c.IfVersion != 0 {
			version = c.IfVersion
		}
		k, err = cl.UpdateKey(ctx, c.ID, changed, client.IfVersion(version))
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || refused.Code != "precondition_failed" || c.IfVersion != 0 || tries == 5 {
			return k, err
		}
	}
}
