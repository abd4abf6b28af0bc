"""The radio's parts beside its adapters: many datagrams a call, interfaces, captures, keys and signatures, arrival."""
