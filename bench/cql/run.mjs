// node run.mjs BUNDLES.ndjson: compiles laboratory.cql and runs it on each patient's bundle, one line each.
// Prints JSON: seconds (loading the bundles and executing), patients, and who has anaemia and who low protein.

import fs from "node:fs";
import { createRequire } from "node:module";
import { SystemModelInfoProvider } from "@cqframework/cql/cql";
import { CqlTranslator, LibraryManager, ModelManager, createModelInfoProvider, stringAsSource } from "@cqframework/cql/cql-to-elm";

const require = createRequire(import.meta.url);
const cql = require("cql-execution");
const fhir = require("cql-exec-fhir");

const modelInfo = fs.readFileSync(
  new URL("node_modules/cql-exec-fhir/lib/modelInfos/fhir-modelinfo-4.0.1.xml", import.meta.url), "utf8");
const models = new ModelManager();
models.modelInfoLoader.registerModelInfoProvider(new SystemModelInfoProvider());
models.modelInfoLoader.registerModelInfoProvider(
  createModelInfoProvider((id) => (id === "FHIR" ? stringAsSource(modelInfo) : null)));
const text = fs.readFileSync(new URL("laboratory.cql", import.meta.url), "utf8");
const translator = CqlTranslator.fromText(text, new LibraryManager(models));
const elm = JSON.parse(translator.toJson());
const library = new cql.Library(elm);
const executor = new cql.Executor(library);

const lines = fs.readFileSync(process.argv[2], "utf8").trim().split("\n");
const began = process.hrtime.bigint();
const cpu = process.cpuUsage();
const source = fhir.PatientSource.FHIRv401();
source.loadBundles(lines.map((line) => JSON.parse(line)));
const results = (await executor.exec(source)).patientResults;
const used = process.cpuUsage(cpu);
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
const those = (name) => Object.keys(results).filter((id) => results[id][name] === true).sort();
console.log(JSON.stringify({
  seconds,
  cpu: (used.user + used.system) / 1e6,
  patients: Object.keys(results).length,
  anaemia: those("Anaemia"),
  protein: those("Protein low"),
}));
