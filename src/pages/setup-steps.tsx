// How one client is set up, folded away until it is wanted.
import type { Setup } from './setups.ts'

const KINDS: Readonly<Record<Setup['kind'], string>> = {
  command: 'Command',
  json: 'Configuration',
  yaml: 'Configuration',
  url: 'Address',
}

interface SetupSteps {
  readonly setup: Setup
  readonly open: boolean
  /** Those with one name close each other; every server has its own. */
  readonly group?: string
}

// `name` makes the details one accordion: opening one closes the others, without a script.
export function SetupSteps({ setup, open, group = 'setup' }: SetupSteps) {
  const { client, kind, where, text, install } = setup
  return (
    <details class="setup" name={group} open={open}>
      <summary>
        <span>{client}</span>
        <span class="fine">{KINDS[kind]}</span>
      </summary>
      <p>{where}</p>
      <pre class="snippet">
        <code class="pick">{text}</code>
      </pre>
      {install !== undefined && (
        <p class="actions">
          <a class="button button-small" href={install.href}>
            {install.label}
          </a>
        </p>
      )}
    </details>
  )
}
