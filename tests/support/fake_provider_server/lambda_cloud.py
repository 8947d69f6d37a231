NAME = "lambda"
