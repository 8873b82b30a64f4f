"""Plan: a Dossier, a Finding, the playbook and the policy go in, a Plan comes out, bound to the dossier's digest."""
