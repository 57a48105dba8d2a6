// xmcp over HTTP, where the parent process wants it.
export default {
  http: { port: Number(process.env['PORT']), host: '127.0.0.1' },
  paths: { tools: 'src/tools', prompts: false, resources: false },
}
