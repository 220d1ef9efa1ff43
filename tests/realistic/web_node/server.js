// A web server that asks itself for its page, then ends.
const express = require("express");
const app = express();
app.get("/", (request, response) => response.send("hello from express"));
const server = app.listen(0, "127.0.0.1", async () => {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`);
  console.log(await answer.text());
  server.close();
});
