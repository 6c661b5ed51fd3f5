"""The module of kafka-python's test suite that its source package leaves out: what starts and stops a
broker. The broker is there already, so there is nothing to do."""


class ExternalService:
    def __init__(self, host, port):
        self.host = host
        self.port = port

    def open(self):
        pass

    def dump_logs(self):
        pass

    def close(self):
        pass


class SpawnedService:
    def __init__(self, *arguments, **settings):
        raise NotImplementedError("the broker is started by whoever runs the suite")
