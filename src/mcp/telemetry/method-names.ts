// The methods of the protocol, in every revision: what may stand in a label or in the name of a span. Clients make up others.
const METHODS: ReadonlySet<string> = new Set(
  `initialize ping server/discover subscriptions/listen completion/complete logging/setLevel
  tools/list tools/call prompts/list prompts/get
  resources/list resources/read resources/subscribe resources/unsubscribe resources/templates/list
  tasks/get tasks/result tasks/list tasks/cancel tasks/update
  notifications/initialized notifications/cancelled notifications/progress notifications/message notifications/roots/list_changed`
    .split(/\s+/)
    .filter((word) => word !== ''),
)

export function knownMethod(method: string): string {
  return METHODS.has(method) ? method : '_OTHER'
}
