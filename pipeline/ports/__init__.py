"""The outside and the ledger, as the stages see them: small Protocols with verbs."""
