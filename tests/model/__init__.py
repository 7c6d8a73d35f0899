"""The poster's model: the production code against every way Alma, the network and the power supply can fail it."""
