// npm run admin: what can be typed.

export const USAGE = `npm run admin -- <command>

  people [SEARCH]                                   who there is, most recently seen first
  person SUB                                        one person: grants, open streams, recent events
  clients [SEARCH]                                  registered applications
  machines                                          machine credentials
  events [--type T] [--sub SUB] [--client ID]       security events, newest first
  receipts [ID | --json [--since TIME]]             what administrators have done lately, or one of it, or all of it
  revoke person SUB --reason TEXT                   end everything a person has
  revoke grant|stream|mcp_session ID --sub SUB --reason TEXT
  revoke client|resource ID [--sub SUB] --reason TEXT
  revoke everyone --reason TEXT
  block|unblock person|client ID --reason TEXT
  signals                                           by which doors identity providers may take access away, and what came last
  signals setup|verify PROVIDER, signals verify-server NAME --reason TEXT    security events, in and out (docs/signals.md)
  verify FILE --pin THUMBPRINT|--jwks FILE [--head N:HASH]    check a receipt, a bundle or exported lines, offline (docs/evidence.md)
  evidence head                                     what to pin: the newest line, and the thumbprints of the keys
  evidence person SUB [--out FILE] [--pin …]        sign-ins, grants and revocations of a person, checked, and a bundle for an auditor
  sql-export FILE.sqlite                            people, clients, machines, events and receipts (docs/operations/export.md)
  recording SUB | --file FILE [--recovery] [--fingerprint F]   read a sealed recording; asks for the passphrase (docs/recordings.md)
  replay FILE [--since TIME]                        do again what \`receipts --json\` wrote into FILE, after a restore
  backup FOLDER --data DIR                          copy the data folder of a self-hosted broker while it runs
  restore FOLDER --data DIR [--keep-access]         the way back into a folder without objects; everybody signs in again
  machine create --name N --owner O --scope mcp [--scope admin] [--resource URL] [--days 90] --reason TEXT
  machine create --name N --owner O --scope scim|metrics [--provider NAME] [--days 90] --reason TEXT

  --json     what the API answers, as it is        --no-wait  do not wait until all have answered
  BROKER_URL and ADMIN_TOKEN come from the environment; ADMIN_TOKEN is a machine credential with the scope admin.`
