#!/bin/sh
# Runs the Node.js SDK's tests from a fresh clone.
set -eu
cd "$(dirname "$0")"
for tool in node npm go; do
	if ! command -v "$tool" >/dev/null 2>&1; then
		echo "test/sdk-node: $tool is not installed. These tests need Node.js 20 or later with npm, and Go to build Tollgate." >&2
		exit 1
	fi
done
npm ci
npm test
