// The child process of import.mjs: one import in the Node that runs it, by the API, and what it took.
import { Trit } from '../../web/node.js';

/**
 * Loads and notes after each piece how many bytes have been taken, and wall and CPU time. Progress is reported
 * as a piece is handed over, when the one before the last has been taken.
 */
async function timedLoad(path, options) {
    const marks = [];
    const pieces = [0, 0];
    let before = 0;
    const begin = performance.now();
    const cpu = process.cpuUsage();
    const mark = (taken) => {
        const { user, system } = process.cpuUsage(cpu);
        marks.push([taken, (performance.now() - begin) / 1000, (user + system) / 1e6]);
    };
    const onProgress = ({ loaded }) => {
        pieces.push(loaded - before);
        before = loaded;
        mark(loaded - pieces.at(-1) - pieces.at(-2));
    };
    const model = await Trit.load(path, { ...options, onProgress });
    mark(before);
    return { model, marks };
}

const { path, options, tokens } = JSON.parse(process.argv[2]);
const { model, marks } = await timedLoad(path, options);
const peakBytes = process.resourceUsage().maxRSS * 1024;
const { memoryBytes, modelBytes, sessionBytes, kernels, flavour, warning } = model.info;
const { ids } = await model.generate('ten teat', { maxTokens: tokens, temperature: 0 }).result;
model.close();
const info = { memoryBytes, modelBytes, sessionBytes, kernels, flavour, warning };
process.stdout.write(JSON.stringify({ marks, peakBytes, info, ids }));
