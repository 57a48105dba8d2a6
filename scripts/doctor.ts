// npm run doctor [-- URL]: what is wrong with a deployment and what to do about it, from its settings or from outside.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs, parseEnv } from 'node:util'
import { examineDeployment } from './doctor/deployment.ts'
import { type Finding } from './doctor/finding.ts'
import { examineSettings } from './doctor/settings.ts'
import { shown } from './doctor/shown.ts'

const USAGE = `npm run doctor                       looks at the settings in .dev.vars and at what they name:
                                     identity providers, redirect URI, MCP servers
npm run doctor -- --env FILE         the same with the settings of another file
npm run doctor -- https://HOST       looks at a running broker from outside; with a path, at that MCP server too

  --json    the findings as JSON. The exit code is 1 when there is a fault.`

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    env: { type: 'string', default: '.dev.vars' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

// What the broker would log of a provider that fails, the findings say in words.
console.warn = () => undefined

if (given.help) {
  console.log(USAGE)
} else {
  const findings = await examined(positionals[0])
  console.log(given.json ? JSON.stringify(findings, undefined, 2) : shown(findings))
  process.exitCode = findings.some(({ state }) => state === 'fault') ? 1 : 0
}

async function examined(url: string | undefined): Promise<readonly Finding[]> {
  if (url === undefined) return ofFile(given.env)
  const named = URL.parse(url)
  if (named?.protocol === 'https:' || named?.protocol === 'http:') return examineDeployment(named)
  return [{ about: 'broker', state: 'fault', says: `${url} is not an address`, cure: 'give it as https://mcp.example.com' }]
}

async function ofFile(file: string): Promise<readonly Finding[]> {
  if (!existsSync(file)) {
    const cure = 'cp .dev.vars.example .dev.vars and fill it in, or give another file with --env'
    return [{ about: 'settings', state: 'fault', says: `there is no file ${file}`, cure }]
  }
  return [...(isCommitted(file) ? [committed(file)] : []), ...(await examineSettings(parseEnv(readFileSync(file, 'utf8'))))]
}

function isCommitted(file: string): boolean {
  try {
    execFileSync('git', ['ls-files', '--error-unmatch', file], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function committed(file: string): Finding {
  const cure = 'take it out of git, and change every secret in it: whoever has the repository has them'
  return { about: 'settings', state: 'fault', says: `${file} is under version control`, cure }
}
