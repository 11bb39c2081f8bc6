package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// release is set by the linker (-X main.release=1.2.3); empty in other builds.
var release string

// version is the release, else the revision it was built from, else "devel".
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return cmp.Or(info.Main.Version, "devel")
}

type versionCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run prints the version, the Go release and the platform.
func (c *versionCmd) Run(t *terminal) error {
	p := &printer{terminal: t, json: c.JSON}
	v := struct {
		Version  string `json:"version"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
	}{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	return p.print(v, func() { t.printf("tollgate %s (%s, %s)\n", v.Version, v.Go, v.Platform) })
}
