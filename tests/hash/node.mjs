// One run in Node: node.mjs '{"model", "prompts", "run"}' prints the hash. A process for each, because the
// threads of a build live as long as their process, and because the flavours want different Nodes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Trit } from '../../web/node.js';
import { repoDir } from '../../wasm/toolchain/paths.mjs';
import { hashByApi } from './api.js';
import { hashInEngine } from './engine.js';
import { API } from './work.js';

const { model, prompts, run } = JSON.parse(process.argv[2]);
const path = join(repoDir, model);
const hash =
    run.table === API
        ? await hashByApi(Trit, path, prompts, run)
        : await hashInEngine(await readFile(path), prompts, run);
process.stdout.write(`${hash}\n`, () => process.exit(0));
