"""mmret: which encoder finds the right table image or the right video, by how much, at what cost, and why?"""
