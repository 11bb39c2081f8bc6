package main

// The examples of commands whose flags say everything else.

// Help shows examples.
func (keysGetCmd) Help() string {
	return `Examples:

	tollgate keys get key_0192…
	tollgate keys get key_0192… --json`
}

// Help shows examples.
func (keysActivateCmd) Help() string {
	return `A revoked key stays revoked.

Examples:

	tollgate keys activate key_0192…`
}

// Help shows examples.
func (keysDeactivateCmd) Help() string {
	return `The next request with the key is refused.

Examples:

	tollgate keys deactivate key_0192…`
}

// Help shows examples.
func (keysUsageCmd) Help() string {
	return `Examples:

	tollgate keys usage key_0192…`
}

// Help shows examples.
func (keysStatsCmd) Help() string {
	return `Days are those of the organization's time zone; days without use are there too.

Examples:

	tollgate keys stats key_0192…
	tollgate keys stats key_0192… --start 2026-11-01T00:00:00Z --end 2026-12-01T00:00:00Z --json`
}

// Help shows examples.
func (managementGetCmd) Help() string {
	return `Examples:

	tollgate management-keys get mk_0192…`
}

// Help shows examples.
func (managementRevokeCmd) Help() string {
	return `The root key cannot be revoked.

Examples:

	tollgate management-keys revoke mk_0192…`
}

// Help shows examples.
func (managementDeleteCmd) Help() string {
	return `The root key cannot be deleted.

Examples:

	tollgate management-keys delete mk_0192…`
}

// Help shows examples.
func (credentialsGetCmd) Help() string {
	return `Examples:

	tollgate credentials get cred_0192…`
}

// Help shows examples.
func (credentialsUseCmd) Help() string {
	return `It takes the place of its owner's default for its provider.

Examples:

	tollgate credentials use cred_0192…`
}

// Help shows examples.
func (credentialsDeleteCmd) Help() string {
	return `Its secret is wiped; usage and audit go on naming it.

Examples:

	tollgate credentials delete cred_0192…`
}

// Help shows examples.
func (chatbotsGetCmd) Help() string {
	return `Examples:

	tollgate chatbots get bot_0192…
	tollgate chatbots get bot_0192… --json`
}

// Help shows examples.
func (usersGetCmd) Help() string {
	return `Examples:

	tollgate users get user_0192…`
}

// Help shows examples.
func (organizationGetCmd) Help() string {
	return `Examples:

	tollgate organization get
	tollgate organization get --json`
}

// Help shows examples.
func (rolesListCmd) Help() string {
	return `Examples:

	tollgate roles list`
}

// Help shows examples.
func (rolesGetCmd) Help() string {
	return `Examples:

	tollgate roles get developer`
}

// Help shows examples.
func (presetsListCmd) Help() string {
	return `Examples:

	tollgate presets list
	tollgate presets list --json`
}

// Help shows examples.
func (versionCmd) Help() string {
	return `Examples:

	tollgate version --json`
}
