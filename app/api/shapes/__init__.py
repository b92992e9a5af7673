"""What REST is asked for and answers, as structs: parameters are read into them and answers made of them, so that the
OpenAPI document, which is made of them too, cannot say otherwise.
"""
