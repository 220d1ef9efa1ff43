"""A web application that asks itself for its page."""

import os
import pwd

from flask import Flask

app = Flask(__name__)


@app.get("/")
def page() -> str:
    return f"hello from {pwd.getpwuid(os.getuid()).pw_name}"


if __name__ == "__main__":
    print(app.test_client().get("/").text)
