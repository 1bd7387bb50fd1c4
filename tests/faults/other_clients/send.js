// node send.js CLIENT PORT COUNT: sends COUNT results, one after the other, with the HL7 client of another maker.
// Each answer is a line of JSON: the id that was sent, and the code (MSA-1) and id (MSA-2) that came back.
"use strict";

const [client, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const ids = Array.from({ length: count }, (_, n) => `A-${n}`);
const said = (id, code, answered) => console.log(JSON.stringify([id, code, answered]));

function segments(id) {
  const time = "20250610073000+0200";
  return [
    ["PID", "1", "", "M-1^^^HOSP^MR", "", "Muster^Erika", "", "19700101", "F"],
    ["OBR", "1", "", `F-${id}^LIS`, "82943^Panel^L", "", "", time],
    ["OBX", "1", "NM", "2338-2^Glucagon^LN", "", "812", "pg/mL", "0-159", "H", "", "", "F", "", "", time],
  ];
}

async function simpleHl7() {
  const hl7 = require("simple-hl7");
  const sender = hl7.Server.createTcpClient({ host: "127.0.0.1", port, keepalive: true });
  for (const id of ids) {
    const message = new hl7.Message(
      "LIS", "LAB", "NADIR", "CLINIC", "20250610083000+0200", "", ["ORU", "R01", "ORU_R01"], id, "P", "2.5.1",
    );
    for (const [name, ...fields] of segments(id)) {
      message.addSegment(name, ...fields.map((field) => (field.includes("^") ? field.split("^") : field)));
    }
    const answer = await new Promise((resolve, reject) => {
      sender.send(message, (error, found) => (error ? reject(error) : resolve(found)));
    });
    const msa = answer.getSegment("MSA");
    said(id, msa.getField(1), msa.getField(2));
  }
  sender.close();
}

async function nodeHl7Client() {
  const { Client, Message } = require("node-hl7-client");
  let heard;
  const connection = new Client({ host: "127.0.0.1" }).createConnection({ port, waitAck: true }, (answer) => {
    const message = answer.getMessage();
    heard([message.get("MSA.1").toString(), message.get("MSA.2").toString()]);
  });
  for (const id of ids) {
    const header = {
      msh_9_1: "ORU", msh_9_2: "R01", msh_9_3: "ORU_R01", msh_10: id, msh_11_1: "P", msh_12: "2.5.1",
    };
    const message = new Message({ messageHeader: header });
    for (const [place, value] of [["3", "LIS"], ["4", "LAB"], ["5", "NADIR"], ["6", "CLINIC"]]) {
      message.set(`MSH.${place}`, value);
    }
    for (const [name, ...fields] of segments(id)) {
      const segment = message.addSegment(name);
      fields.forEach((field, at) => {
        field.split("^").forEach((part, component) => segment.set(`${at + 1}.${component + 1}`, part));
      });
    }
    const answer = new Promise((resolve) => { heard = resolve; });
    await connection.sendMessage(message);
    said(id, ...(await answer));
  }
  process.exit(0); // closing waits for half a minute
}

const senders = { "simple-hl7": simpleHl7, "node-hl7-client": nodeHl7Client };
senders[client]().catch((error) => { console.error(error); process.exit(1); });
