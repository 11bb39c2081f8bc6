// Package authority is who may do what: organisations, users and their roles, keys
// and the keys of the management API. It makes, changes and ends them, tells the
// data plane who is asking (Authenticate) and the control plane who is acting
// (AuthenticateManagement), holds the whole law of a key's fields, whatever store
// is beneath, and keeps what was done and refused (the audit).
//
// It counts nothing and spends nothing: allowances are compiled into limit.Chain
// and package ledger takes from them; of a balance it knows the limit that it is.
//
// The invariants:
//
//   - A Grant comes from Authenticate and from nowhere else; its zero value is
//     rejected. The same holds for Principal.
//   - A change is in force in this process before the call that made it returns,
//     and what was loaded from the store before the change never comes back.
//   - Trouble with the store is store_unavailable; no key is called invalid
//     because it could not be looked up.
//   - Nothing of one organisation is visible to a Principal of another, and what
//     a Principal may not see is not there for it.
//   - Without the permission to manage keys nobody makes a key do more than it
//     did, and nobody hands on a permission that they do not hold.
//   - A change and the event that tells of it are stored together or not at all;
//     each event carries the hash of the one before.
//
// A body goes through one table of fields (keyfields.go), which also says how the
// audit shows a field and what tightens it; a call goes through one deed (act.go).
//
// The doors (proxy, admin) call it; server gives it its store, and calls FlushUse
// and CleanUp from time to time.
package authority
