// `npm run conformance:client`: the broker as a client of OAuth toward the MCP servers behind it, asked by the official program.
import { isAboutAuthorization, runClientSuites } from './client-run.ts'
import { reportClient } from './report.ts'

process.exitCode = reportClient(await runClientSuites(), isAboutAuthorization)
