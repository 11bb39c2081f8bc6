// Package authority is who may do what: organisations, users, keys and the keys
// of the management API. It makes, changes and ends them, tells the data plane
// who is asking (Authenticate) and the control plane who is acting
// (AuthenticateManagement), and holds the whole law of a key's fields, whatever
// store is beneath.
//
// It counts nothing and spends nothing: allowances are compiled into limit.Chain
// and package ledger takes from them.
//
// The invariants:
//
//   - A Grant comes from Authenticate and from nowhere else; its zero value is
//     rejected. The same holds for Principal.
//   - A change is in force in this process before the call that made it returns,
//     and what was loaded from the store before the change never comes back.
//   - Trouble with the store is store_unavailable; no key is called invalid
//     because it could not be looked up.
//   - Nothing of one organisation is visible to a Principal of another.
//
// The doors (proxy, admin) call it; server gives it its store.
package authority
