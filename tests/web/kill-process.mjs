// The process that kill.mjs kills, and that looks afterwards what is there.
import { Trit } from '../../web/node.js';

const ops = {
    load: async (url, options) => (await Trit.load(url, options)).close(),
    answer: async (url, options, prompt, wish) => {
        const model = await Trit.load(url, options);
        const { ids } = await model.generate(prompt, wish).result;
        model.close();
        return { ids, models: await Trit.models() };
    },
};

const [op, ...args] = JSON.parse(process.argv[2]);
process.stdout.write(JSON.stringify((await ops[op](...args)) ?? null));
