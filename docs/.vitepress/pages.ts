// The pages of the site in the order of its side bar, which llms.txt follows as well. A test refuses a page that is not listed.

export interface Chapter {
  readonly text: string
  readonly pages: readonly (readonly [file: string, title: string])[]
}

export const CHAPTERS: readonly Chapter[] = [
  {
    text: 'Begin',
    pages: [
      ['index.md', 'What it is'],
      ['quick-start.md', 'Quick start'],
      ['deploy.md', 'Deploy on Cloudflare'],
      ['self-hosting.md', 'Run it without Cloudflare'],
      ['setup-sessions.md', 'Set up: what it asks'],
      ['cluster.md', 'Several nodes (experimental)'],
      ['limits.md', 'Limits'],
      ['migration.md', 'Coming from another proxy'],
    ],
  },
  {
    text: 'Identity providers',
    pages: [
      ['identity-providers/index.md', 'Any provider'],
      ['identity-providers/cloudflare-access.md', 'Cloudflare Access'],
      ['identity-providers/access-in-front.md', 'Access in front of the broker'],
      ['identity-providers/google.md', 'Google'],
      ['identity-providers/entra.md', 'Microsoft Entra ID'],
      ['identity-providers/github.md', 'GitHub'],
      ['identity-providers/keycloak.md', 'Keycloak'],
      ['identity-providers/okta.md', 'Okta'],
      ['identity-providers/auth0.md', 'Auth0'],
      ['identity-providers/plain-oauth.md', 'Plain OAuth'],
      ['identity-providers/several.md', 'Several providers'],
    ],
  },
  {
    text: 'MCP servers',
    pages: [
      ['servers/index.md', 'What a server gets'],
      ['servers/several.md', 'Several servers'],
      ['servers/legacy.md', 'Clients of 2026-07-28'],
      ['servers/eras.md', 'Servers of another era'],
      ['servers/tool-policy.md', 'Tool policy'],
      ['servers/own-sign-in.md', 'Servers with a sign-in of their own'],
    ],
  },
  {
    text: 'Clients',
    pages: [
      ['clients/index.md', 'Connect a client'],
      ['clients/claude.md', 'Claude'],
      ['clients/chatgpt.md', 'ChatGPT'],
      ['clients/vs-code.md', 'VS Code'],
      ['clients/cursor.md', 'Cursor'],
      ['clients/gemini-cli.md', 'Gemini CLI'],
      ['clients/codex.md', 'Codex'],
      ['clients/windsurf.md', 'Windsurf'],
      ['clients/zed.md', 'Zed'],
      ['clients/jetbrains.md', 'JetBrains IDEs'],
      ['clients/goose.md', 'Goose'],
      ['clients/pre-registered.md', 'Clients you enter yourself'],
      ['compat.md', 'Which software works'],
    ],
  },
  {
    text: 'Programs',
    pages: [
      ['token-exchange.md', 'Token exchange'],
      ['machine-credentials.md', 'Machine credentials'],
      ['scim.md', 'SCIM'],
    ],
  },
  {
    text: 'Run it',
    pages: [
      ['administration.md', 'Administration'],
      ['recordings.md', 'Recordings'],
      ['signals.md', 'Signals'],
      ['evidence.md', 'Evidence'],
      ['operations/export.md', 'Export'],
      ['operations/index.md', 'What to watch'],
      ['operations/observability.md', 'Metrics and traces'],
      ['operations/log.md', 'The log'],
      ['operations/failures.md', 'When something fails'],
      ['operations/troubleshooting.md', 'Troubleshooting'],
      ['operations/incidents.md', 'When something has happened'],
      ['operations/backup.md', 'Backup and restore'],
      ['operations/upgrade.md', 'Upgrade and roll back'],
      ['operations/keys.md', 'Change keys'],
      ['operations/cost.md', 'Cost and sizing'],
    ],
  },
  {
    text: 'Reference',
    pages: [
      ['reference/settings.md', 'Settings'],
      ['reference/http.md', 'Paths'],
      ['reference/admin-api.md', 'Admin API'],
      ['reference/errors.md', 'Error codes'],
      ['glossary.md', 'Glossary'],
    ],
  },
  {
    text: 'How and why',
    pages: [
      ['security.md', 'Security'],
      ['attacks.md', 'Attacks'],
      ['architecture.md', 'Architecture'],
      ['decisions/README.md', 'Decisions'],
      ['contributing.md', 'Contributing'],
      ['changelog.md', 'Changes'],
    ],
  },
]
